use super::*;

#[test]
fn what_a_receiver_says_holds_nothing_of_its_url() {
    let url = Endpoint {
        url: "https://hooks.example/bot12345678:SECRETabc-DEF/sendMessage?token=k3y%20k3yk3y"
            .to_owned(),
        host: "hooks.example".to_owned(),
        port: 443,
    };
    for said in [
        "no bot 12345678:SECRETabc-DEF",
        "no bot SECRETabc here",
        "SECRETabcdefghij.. is unknown",
        "no secretABC",
        "bad key k3yk3y",
        "bad key %6b3yk3y",
    ] {
        let told = quoted(said, &url);
        assert_eq!(told, " (what it says holds a part of its URL)", "{said}");
    }
    assert_eq!(
        quoted("chat not found\nmore", &url),
        " (\"chat not found\")"
    );
    assert_eq!(quoted("", &url), "");
}
