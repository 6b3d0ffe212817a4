//! `tls`: TLS 1.3 by rustls, both ends, twice: the second connection resumes the first's session.
//! Short messages back and forth, then much each way, then `close_notify` each way.

use std::io::{self, Read, Write};
use std::sync::Arc;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::{Scenario, Stage};
use greenroom::time::{SystemTime, UNIX_EPOCH};
use greenroom_scenarios::bytes::pattern;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection,
    StreamOwned,
};

const PORT: u16 = 7443;
/// What each side sends besides short messages.
const BULK_BYTES: usize = 256 * 1024;
const SHORT_BYTES: [usize; 4] = [1, 100, 1460, 5000];

/// A certificate of `srv` for the whole century, signed by its own key (Ed25519), made with
/// `openssl ca -selfsign`. The key guards nothing.
const CERTIFICATE: &[u8] = include_bytes!("certificate/srv.der");
const KEY: &[u8] = include_bytes!("certificate/key.der");

/// The story. rustls draws keys from the operating system: without the declaration two runs of a
/// seed differ.
pub fn story(declares_opaque: bool) -> Scenario {
    let about = "what is sent over TLS comes whole, and the end is announced";
    Scenario::new("tls", about, move |stage| {
        if declares_opaque {
            stage.opaque_payload();
        }
        set(stage);
    })
}

fn set(stage: &mut Stage) {
    // Made anew for each run: a session kept from another run would be resumed.
    let (server, client) = (server_config(), client_config());
    stage.server("srv", move || serve(&server));
    stage.client("cli", move || {
        for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let handshake = converse(&client)?;
            greenroom::always!(handshake == Some(expected), "the second session is the first's");
        }
        Ok(())
    });
}

fn serve(config: &Arc<ServerConfig>) -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", PORT))?;
    loop {
        let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, listener.accept()?.0);
        for length in SHORT_BYTES {
            let mut message = vec![0; length];
            stream.read_exact(&mut message)?;
            stream.write_all(&message)?;
        }
        expect(&mut stream, 1)?;
        stream.write_all(&pattern(2, 0, BULK_BYTES))?;
        stream.conn.send_close_notify();
        stream.flush()?;
        at_end(&mut stream)?;
    }
}

fn converse(config: &Arc<ClientConfig>) -> io::Result<Option<HandshakeKind>> {
    let name = ServerName::try_from("srv").map_err(io::Error::other)?;
    let connection = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, TcpStream::connect(("srv", PORT))?);
    for length in SHORT_BYTES {
        let message = pattern(3, 0, length);
        stream.write_all(&message)?;
        let mut echo = vec![0; length];
        stream.read_exact(&mut echo)?;
        greenroom::always!(echo == message, "a short message comes back");
    }
    stream.write_all(&pattern(1, 0, BULK_BYTES))?;
    expect(&mut stream, 2)?;
    at_end(&mut stream)?;
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(stream.conn.handshake_kind())
}

fn expect(from: &mut impl Read, of: u64) -> io::Result<()> {
    let mut bytes = vec![0; BULK_BYTES];
    from.read_exact(&mut bytes)?;
    greenroom::always!(bytes == pattern(of, 0, BULK_BYTES), "every byte comes as it was sent");
    Ok(())
}

/// rustls answers `UnexpectedEof` where the stream ends without `close_notify`.
fn at_end(from: &mut impl Read) -> io::Result<()> {
    let count = from.read(&mut [0; 16])?;
    greenroom::always!(count == 0, "nothing comes after the last byte");
    Ok(())
}

/// What the library asks for the time: the host's clock.
#[derive(Debug)]
struct HostClock;

impl TimeProvider for HostClock {
    fn current_time(&self) -> Option<UnixTime> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        Some(UnixTime::since_unix_epoch(since))
    }
}

fn server_config() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(KEY));
    let config = ServerConfig::builder_with_details(provider, Arc::new(HostClock))
        .with_protocol_versions(&[&TLS13])
        .and_then(|config| {
            config.with_no_client_auth().with_single_cert(vec![CERTIFICATE.into()], key)
        });
    Arc::new(config.expect("the certificate is the key's"))
}

fn client_config() -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE)).expect("it is a certificate");
    let config = ClientConfig::builder_with_details(provider, Arc::new(HostClock))
        .with_protocol_versions(&[&TLS13])
        .map(|config| config.with_root_certificates(roots).with_no_client_auth());
    Arc::new(config.expect("ring speaks TLS 1.3"))
}
