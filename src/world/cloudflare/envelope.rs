//! The shape of every answer: `success`, `errors`, `messages`, `result`, `result_info`.

use std::fmt;

use serde_json::{Value, json};

use super::super::http::Reply;
use super::journal::Write;

/// Why the API refuses a request: Cloudflare's own codes and words.
#[derive(Debug)]
pub struct Refusal {
    status: u16,
    code: u32,
    message: String,
    /// What the wrapping error of the older kind wraps.
    cause: Option<(u32, &'static str)>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl Refusal {
    /// A refusal in one error.
    pub fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            cause: None,
        }
    }

    /// No header that could authorise.
    pub fn no_authorization() -> Self {
        Self::new(
            400,
            9106,
            "Missing X-Auth-Key, X-Auth-Email or Authorization headers",
        )
    }

    /// A header that is no bearer token.
    pub fn malformed_authorization() -> Self {
        let cause = Some((6111, "Invalid format for Authorization header"));
        Self {
            cause,
            ..Self::new(400, 6003, "Invalid request headers")
        }
    }

    /// An unknown token (401), or one that may not see this (403).
    pub fn authentication(status: u16) -> Self {
        Self::new(status, 10000, "Authentication error")
    }

    /// No such path.
    pub fn no_route(path: &str) -> Self {
        let cause = Some((7000, "No route for that URI"));
        let message =
            format!("Could not route to {path}, perhaps your object identifier is invalid?");
        Self {
            cause,
            ..Self::new(404, 7003, message)
        }
    }

    /// No such record, or none any more.
    pub fn no_record() -> Self {
        Self::new(404, 81044, "Record does not exist.")
    }

    /// A body that is no JSON object.
    pub fn malformed_body() -> Self {
        Self::new(400, 6007, "Malformed JSON in request body")
    }

    /// What goes with an HTTP status that a fault asks for.
    pub fn status(status: u16) -> Self {
        match status {
            429 => Self::new(429, 10429, "Rate limit exceeded: please try again later"),
            status => Self::new(status, 10001, "Unable to process the request"),
        }
    }

    /// The answer.
    pub fn reply(&self) -> Reply {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some((code, message)) = self.cause {
            error["error_chain"] = json!([{"code": code, "message": message}]);
        }
        let body = json!({"success": false, "errors": [error], "messages": [], "result": null});
        Reply::json(self.status, &body)
    }
}

/// A carried out request: what goes into the envelope, and what it changed.
pub struct Outcome {
    /// `result` and `result_info`.
    pub body: Value,
    /// What it changed.
    pub writes: Vec<Write>,
}

impl Outcome {
    /// One that tells something.
    pub fn told(result: &Value, writes: Vec<Write>) -> Self {
        Self {
            body: json!({"result": result}),
            writes,
        }
    }
}

/// The answer to a request that was carried out; `body` has `result`, and `result_info` where it is a page of a list.
pub fn success(mut body: Value) -> Reply {
    for (key, value) in [
        ("success", json!(true)),
        ("errors", json!([])),
        ("messages", json!([])),
    ] {
        if body.get(key).is_none() {
            body[key] = value;
        }
    }
    Reply::json(200, &body)
}

/// A page of a list; pages count from 1.
pub fn page(items: Vec<Value>, page: usize, per_page: usize) -> Outcome {
    let total = items.len();
    let skipped = page.saturating_sub(1).saturating_mul(per_page);
    let items: Vec<Value> = items.into_iter().skip(skipped).take(per_page).collect();
    let info = json!({
        "page": page, "per_page": per_page, "count": items.len(), "total_count": total,
        "total_pages": total.div_ceil(per_page.max(1)),
    });
    Outcome {
        body: json!({"result": items, "result_info": info}),
        writes: vec![],
    }
}

/// A valid token, which is told in `messages` too, under the code of an authentication error.
pub fn verified(id: &str) -> Outcome {
    let message =
        json!({"code": 10000, "message": "This API Token is valid and active", "type": null});
    let body = json!({"result": {"id": id, "status": "active"}, "messages": [message]});
    Outcome {
        body,
        writes: vec![],
    }
}

/// The same answer about another content; of a batch, about that of the first of each list.
pub fn with_content(reply: Reply, content: &str) -> Reply {
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else {
        return reply;
    };
    let lists = ["patches", "posts"].map(|list| format!("/result/{list}/0/content"));
    for place in ["/result/content"]
        .into_iter()
        .chain(lists.iter().map(String::as_str))
    {
        if let Some(current) = body.pointer_mut(place) {
            *current = Value::from(content);
        }
    }
    Reply {
        body: body.to_string().into_bytes(),
        ..reply
    }
}
