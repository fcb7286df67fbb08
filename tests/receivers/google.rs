//! Google as its documents have it, on loopback: a token for an assertion, the first cell of a sheet, and rows below it
//! (<https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/append>,
//! <https://developers.google.com/identity/protocols/oauth2/service-account>). `tests/system/sheets.sh` holds such answers against the
//! discovery document.

use std::sync::{Arc, Mutex};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

use super::service::{Reply, Request, Service};
use super::support::Home;

pub const ACCOUNT: &str = "cadence@made-for-tests.iam.gserviceaccount.com";

/// What is in the spreadsheet, and what goes wrong with it.
#[derive(Default)]
pub struct Sheet {
    pub rows: Vec<Value>,
    pub tokens: u32,
    /// In place of a token.
    pub token: Option<Reply>,
    /// In place of what a write is answered.
    pub write: Option<Reply>,
    /// The rows are taken, and nobody hears of it in time.
    pub is_late: bool,
}

pub struct Google {
    pub service: Service,
    pub sheet: Arc<Mutex<Sheet>>,
}

impl Google {
    pub fn start() -> Self {
        let sheet: Arc<Mutex<Sheet>> = Arc::default();
        let its = Arc::clone(&sheet);
        let service = Service::by(move |request| its.lock().unwrap().answer(request));
        Self { service, sheet }
    }

    pub fn set(&self, change: impl FnOnce(&mut Sheet)) {
        change(&mut self.sheet.lock().unwrap());
    }

    pub fn rows(&self) -> Vec<Value> {
        self.sheet.lock().unwrap().rows.clone()
    }

    /// The numbers of the cycles, as they stand in the sheet.
    pub fn cycles(&self) -> Vec<u64> {
        let rows = self.rows();
        let cycles = rows.iter().skip(1).map(|row| row[1].as_u64());
        cycles.map(Option::unwrap).collect()
    }

    pub fn section(&self, home: &Home, more: &str) -> String {
        format!(
            "[sheets]\nspreadsheet = \"1aB_c-s3cret\"\nkey_file = \"{}\"\nevery = \"1m\"\napi_url = \"{}\"\ntoken_url = \"{}\"\n{more}",
            home.path("key.json").display(),
            self.service.url(""),
            self.service.url("/token"),
        )
    }
}

impl Sheet {
    fn answer(&mut self, request: &Request) -> Reply {
        let ok = |document: &Value| {
            Reply::with(
                200,
                "Content-Type: application/json\r\n",
                &document.to_string(),
            )
        };
        if request.target == "/token" {
            let form =
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
            let assertion = request.body.strip_prefix(form).unwrap();
            let claims = assertion.split('.').nth(1).unwrap();
            let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
            let claims: Value = serde_json::from_slice(&claims).unwrap();
            assert_eq!(claims["iss"], ACCOUNT);
            return self.token.clone().unwrap_or_else(|| {
                self.tokens += 1;
                let token = format!("ya29.s3cret-{}", self.tokens);
                ok(&json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"}))
            });
        }
        let bearer = format!("Bearer ya29.s3cret-{}", self.tokens);
        assert_eq!(request.header("authorization"), Some(bearer.as_str()));
        let cell = "/v4/spreadsheets/1aB_c-s3cret/values/%27cadence%27%21A1";
        let rest = request.target.strip_prefix(cell).unwrap();
        if request.method == "GET" {
            assert_eq!(rest, "");
            let mut range = json!({"range": "cadence!A1", "majorDimension": "ROWS"});
            if let Some(first) = self.rows.first() {
                range["values"] = json!([[first[0]]]);
            }
            return ok(&range);
        }
        assert_eq!(
            rest,
            ":append?valueInputOption=RAW&insertDataOption=INSERT_ROWS"
        );
        if let Some(reply) = &self.write {
            return reply.clone();
        }
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let values = body["values"].as_array().unwrap();
        self.rows.extend(values.iter().cloned());
        if self.is_late {
            return Reply::Hang;
        }
        ok(&json!({
            "spreadsheetId": "1aB_c-s3cret",
            "updates": {"updatedRange": "cadence!A1", "updatedRows": values.len(), "updatedColumns": 15}
        }))
    }
}
