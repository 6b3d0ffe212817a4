//! `websocket`: WebSocket (RFC 6455) by tungstenite, both ends: the handshake, messages of text and
//! bytes, one in fragments with a ping between them, a large one, and a close that both agree on.

use std::io;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::{Scenario, Stage};
use greenroom_scenarios::bytes::pattern;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::{Error, Message, WebSocket, accept, client};

const PORT: u16 = 7080;
const LARGE_BYTES: usize = 100 * 1024;

/// The story. tungstenite draws masks from the operating system: without the declaration two runs
/// of a seed differ.
pub fn story(declares_opaque: bool) -> Scenario {
    let about = "messages over WebSocket come back whole, and both agree on the end";
    Scenario::new("websocket", about, move |stage| {
        if declares_opaque {
            stage.opaque_payload();
        }
        set(stage);
    })
}

fn set(stage: &mut Stage) {
    stage.server("srv", serve);
    stage.client("cli", || {
        let stream = TcpStream::connect(("srv", PORT))?;
        let (mut socket, answer) =
            client(format!("ws://srv:{PORT}/echo"), stream).map_err(io::Error::other)?;
        greenroom::always!(answer.status() == 101, "the server switches protocols");
        converse(&mut socket).map_err(io::Error::other)
    });
}

fn serve() -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", PORT))?;
    loop {
        let mut socket = accept(listener.accept()?.0).map_err(io::Error::other)?;
        echo(&mut socket).map_err(io::Error::other)?;
    }
}

/// Sends messages back until the peer closes; pings and the close are answered by the library.
fn echo(socket: &mut WebSocket<TcpStream>) -> Result<(), Error> {
    loop {
        let answered = socket.read().and_then(|message| match message {
            Message::Text(_) | Message::Binary(_) => socket.send(message),
            _ => socket.flush(),
        });
        match answered {
            Err(Error::ConnectionClosed) => return Ok(()),
            other => other?,
        }
    }
}

fn converse(socket: &mut WebSocket<TcpStream>) -> Result<(), Error> {
    let messages = [
        Message::text("grüner Raum"),
        Message::binary(pattern(1, 0, 1000)),
        Message::text(""),
        Message::binary(pattern(2, 0, LARGE_BYTES)),
        Message::text("x".repeat(5000)),
    ];
    for message in messages {
        socket.send(message.clone())?;
        greenroom::always!(socket.read()? == message, "a message comes back");
    }
    socket.send(Message::Ping("still there?".into()))?;
    greenroom::always!(socket.read()? == Message::Pong("still there?".into()), "a ping is heard");
    fragments(socket)?;
    close(socket)
}

/// A message in four frames, and a ping between the second and the third.
fn fragments(socket: &mut WebSocket<TcpStream>) -> Result<(), Error> {
    let bytes = pattern(3, 0, 20_000);
    for (at, piece) in bytes.chunks(5000).enumerate() {
        let kind = if at == 0 { Data::Binary } else { Data::Continue };
        let frame = Frame::message(piece.to_vec(), OpCode::Data(kind), at == 3);
        socket.send(Message::Frame(frame))?;
        if at == 1 {
            socket.send(Message::Ping("between".into()))?;
        }
    }
    greenroom::always!(socket.read()? == Message::Pong("between".into()), "so is one between");
    greenroom::always!(socket.read()? == Message::binary(bytes), "fragments come back as one");
    Ok(())
}

fn close(socket: &mut WebSocket<TcpStream>) -> Result<(), Error> {
    let farewell = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    socket.close(Some(farewell.clone()))?;
    greenroom::always!(socket.read()? == Message::Close(Some(farewell)), "the close is answered");
    let end = socket.read();
    greenroom::always!(matches!(end, Err(Error::ConnectionClosed)), "and then the stream ends");
    Ok(())
}
