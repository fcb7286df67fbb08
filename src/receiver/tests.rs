use super::*;

#[test]
fn what_a_receiver_says_holds_nothing_of_its_url() {
    let url = Endpoint {
        url: "https://hooks.example/services/T0000/B0000/abcdefghij?token=s3cret-token".to_owned(),
        host: "hooks.example".to_owned(),
        port: 443,
    };
    assert_eq!(
        without_secrets("no such hook abcdefghij, token s3cret-token", &url),
        "no such hook (..), token (..)"
    );
}
