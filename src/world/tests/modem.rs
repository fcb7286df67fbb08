use super::*;

#[test]
fn the_line_comes_back_when_the_modem_had_no_power_for_long_enough() {
    const LONG_ENOUGH: Duration = Duration::from_millis(300);
    let world = World::start().unwrap();
    let plugs = world.plugs();
    let model = PlugModel::Tasmota;
    world.put_modem_behind(model, LONG_ENOUGH).unwrap();
    world.set_line(Line::Down).unwrap();
    let target = world.wan_targets()[2].replace("tcp://", "");
    let is_up = || TcpStream::connect(&target).is_ok();

    plugs.press(model, false);
    plugs.press(model, true);
    plugs.press(model, false);
    std::thread::sleep(LONG_ENOUGH);
    assert!(!is_up(), "off for too short a time, and then still off");
    plugs.press(model, true);
    let started = Instant::now();
    while !is_up() {
        assert!(started.elapsed() < Duration::from_secs(10), "never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}
