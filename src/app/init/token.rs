//! Where the API token of a first configuration comes from.

use std::fs;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use super::files::Place;
use crate::app::context::Context;
use crate::cli;
use crate::config::{Token, TokenError, TokenSource, load_token, read_token};
use crate::error::{EXIT_TOKEN, EXIT_USAGE, Error, plain};

/// Goes before the question for it.
pub const HOW_TO_MAKE: &str = "\
Cloudflare needs an API token with the permissions Zone:Read and DNS:Edit; \
create one at https://dash.cloudflare.com/profile/api-tokens and paste it here.";
/// Where a token comes from that was typed.
pub const TYPED: &str = "your answer";
/// The name that stands for stdin.
pub const STDIN: &str = "-";
/// What is longer is no token; the check of its length says so.
const MAX_STDIN: u64 = 8192;

/// The token that is there, that the flags name, or that another tool's file holds; none where it has to be asked for. One that is stored already is never
/// replaced.
///
/// # Errors
/// What is wrong with it, or that another one is stored.
pub fn find(
    context: &Context,
    options: &cli::Init,
    place: &Place,
    imported: Option<Token>,
) -> Result<Option<Token>, Error> {
    let rejected = |error: TokenError| Error::new(EXIT_TOKEN, error);
    let named = options.token_file.as_ref().map(|file| given(file));
    let Some(given) = named.transpose()?.or(imported) else {
        return match load_token(&context.env, Some(&place.token)) {
            Ok(token) => Ok(Some(token)),
            Err(
                TokenError::NotSet
                | TokenError::Elsewhere { .. }
                | TokenError::Missing(TokenSource::Configured(_), _),
            ) => Ok(None),
            Err(error) => Err(rejected(error)),
        };
    };
    if fs::symlink_metadata(&place.token).is_err() {
        return Ok(Some(given));
    }
    let source = TokenSource::Configured(place.token.clone());
    let stored = read_token(&place.token, source).map_err(rejected)?;
    if stored.expose() == given.expose() {
        return Ok(Some(stored));
    }
    Err(Error::failed(format!(
        "{} is there already with another token, and is never overwritten; fix: move it away, or leave out {}",
        place.token.display(),
        if options.token_file.is_some() {
            "--token-file"
        } else {
            "--from"
        }
    )))
}

/// Whether it is in its place already.
pub fn is_stored(token: &Token) -> bool {
    matches!(token.source(), TokenSource::Configured(_))
}

fn given(file: &Path) -> Result<Token, Error> {
    let how = format!("{} (--token-file)", file.display());
    let rejected = |error: TokenError| Error::new(EXIT_TOKEN, error);
    if file != Path::new(STDIN) {
        return read_token(file, TokenSource::Given(how)).map_err(rejected);
    }
    let bytes = piped("--token-file", "token")?;
    Token::given(&bytes, "stdin (--token-file -)").map_err(rejected)
}

/// What stdin holds of a secret, as this flag says.
///
/// # Errors
/// It cannot be read, or would be shown while it is typed.
pub fn piped(flag: &str, what: &str) -> Result<Vec<u8>, Error> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        return Err(Error::new(
            EXIT_USAGE,
            format!(
                "{flag} - reads the {what} from a pipe, and this is a terminal; fix: leave it out to be asked for the {what}"
            ),
        ));
    }
    let mut bytes = vec![];
    (&mut stdin)
        .take(MAX_STDIN)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::failed(format!("cannot read stdin: {}", plain(&error))))?;
    Ok(bytes)
}
