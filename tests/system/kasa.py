"""A TP-Link Kasa plug on loopback, for tests/system/kasa.sh: kasa.py SOURCE PORT JOURNAL [MODE].

What it answers is python-kasa's own fake device with its fixture of an HS100, from the tests in its source distribution. How it is carried is
TP-Link's Smart Home Protocol: TCP, four bytes of length, and JSON under an XOR whose key is the byte before (the first is 171).
MODE `deaf` takes a command and does nothing, `mute` answers nothing."""

import asyncio
import json
import pathlib
import struct
import sys

source, port, journal, mode = (sys.argv + [""])[1:5]
sys.path.insert(0, source)
from tests.fakeprotocol_iot import FakeIotTransport  # noqa: E402

FIXTURE = "HS100(UK)_1.0_1.2.6.json"


def hide(plain: bytes) -> bytes:
    key, out = 171, bytearray()
    for byte in plain:
        key ^= byte
        out.append(key)
    return struct.pack(">I", len(out)) + bytes(out)


def show(hidden: bytes) -> bytes:
    return bytes(byte ^ key for key, byte in zip(b"\xab" + hidden, hidden))


async def serve(device, reader, writer):
    try:
        while True:
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            asked = json.loads(show(await reader.readexactly(length)))
            if mode == "mute":
                await asyncio.sleep(60)
            switched = asked.get("system", {}).get("set_relay_state")
            if switched and mode == "deaf":
                told = {"system": {"set_relay_state": {"err_code": -3, "err_msg": "invalid argument"}}}
            else:
                told = await device.send(asked)
                if switched:
                    with open(journal, "a") as file:
                        print("on" if switched["state"] else "off", file=file)
            writer.write(hide(json.dumps(told).encode()))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    fixture = pathlib.Path(source, "tests/fixtures/iot", FIXTURE)
    device = FakeIotTransport(json.loads(fixture.read_text()), FIXTURE)
    server = await asyncio.start_server(lambda reader, writer: serve(device, reader, writer), "127.0.0.1", int(port))
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
