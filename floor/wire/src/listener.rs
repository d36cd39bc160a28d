//! Listeners: accept, shake hands, serve, stop when the world says so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;
use words::Reason;
use world::{BoxFuture, Shutdown};

use crate::caller::PeerCertificate;
use crate::routes::{Notes, Rejection};
use crate::tls::{PagesTls, TlsError, TlsIdentity};

/// Connections one listener serves at once; further ones wait in the system's queue.
const CONNECTIONS: usize = 4096;
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(15);

/// A listener that is bound but not yet serving, so that its port is known and taken.
pub struct Bound(TcpListener);

impl Bound {
    /// Binds `address`; port 0 takes a free one.
    pub async fn at(address: SocketAddr) -> std::io::Result<Self> {
        TcpListener::bind(address).await.map(Self)
    }

    /// Where it listens.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

async fn accept_each<F, S>(listener: TcpListener, shutdown: Shutdown, serve: F)
where
    F: Fn(TcpStream) -> S,
    S: Future<Output = ()> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of file descriptors, or the peer gave up: neither is a reason to stop listening.
                Err(_) => { tokio::time::sleep(Duration::from_millis(20)).await; continue }
            },
            () = shutdown.wait() => return,
        };
        let _ = stream.set_nodelay(true);
        let served = serve(stream);
        tokio::spawn(async move {
            served.await;
            drop(permit);
        });
    }
}

async fn serve_stream<I>(stream: I, router: Router, peer: Option<PeerCertificate>, shutdown: Shutdown)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        if let Some(peer) = peer.clone() {
            request.extensions_mut().insert(peer);
        }
        router.clone().oneshot(request.map(Body::new))
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(64 << 10);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => {}
        () = shutdown.wait() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(Duration::from_secs(5), connection).await;
        }
    }
}

/// Whether the handshake ended because of a certificate: the peer's (none, of another root, expired, not its own), or
/// ours, which a peer of another country does not accept.
fn is_wrong_certificate(error: &std::io::Error) -> bool {
    use rustls::{AlertDescription, Error};
    match error.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented) => true,
        // `DecryptError`: a root of the same name with another key, as every country's root has.
        Some(Error::AlertReceived(alert)) => matches!(
            alert,
            AlertDescription::UnknownCA
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::DecryptError
        ),
        _ => false,
    }
}

/// The TLS handshake with a client certificate of the country; `None` if there is nobody to talk to after it. One that fails
/// by the peer's certificate is handed to `notes`.
async fn handshake(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    notes: Arc<dyn Notes>,
) -> Option<TlsStream<TcpStream>> {
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) if is_wrong_certificate(&error) => {
            tracing::info!("a connection without a valid certificate was refused in the TLS handshake");
            let route = "TLS handshake".to_owned();
            notes.note(Rejection { caller: "nobody".into(), route, reason: Reason::Unauthenticated }).await;
            None
        }
        // Broken off, no TLS at all, or too slow: nobody who could be told from noise.
        Ok(Err(_)) | Err(_) => {
            tracing::debug!("a connection ended before the TLS handshake did");
            None
        }
    }
}

fn shown_by(stream: &TlsStream<TcpStream>) -> Option<PeerCertificate> {
    let chain = stream.get_ref().1.peer_certificates();
    chain.and_then(|chain| chain.first()).map(|certificate| PeerCertificate::new(certificate))
}

/// Serves the outer side: TLS 1.3, a client certificate of the country demanded.
pub async fn serve_outer(
    bound: Bound,
    identity: &TlsIdentity,
    router: Router,
    notes: Arc<dyn Notes>,
    shutdown: Shutdown,
) -> Result<(), TlsError> {
    serve_certified(bound, identity, router, notes, shutdown, false).await
}

/// Serves the inner side on one port: TLS 1.3 to whoever begins it, a client certificate of the country demanded; plain HTTP to
/// all others, who show a key. To be bound to loopback or set behind the house's own TLS.
pub async fn serve_inner(
    bound: Bound,
    identity: &TlsIdentity,
    router: Router,
    notes: Arc<dyn Notes>,
    shutdown: Shutdown,
) -> Result<(), TlsError> {
    serve_certified(bound, identity, router, notes, shutdown, true).await
}

/// How a connection begins.
enum Begins {
    WithTls,
    Plain,
    /// Nothing was sent.
    Silent,
}

/// The first byte of a TLS record that begins a handshake (RFC 8446 §5.1); no method of HTTP begins with it.
const HANDSHAKE_RECORD: u8 = 22;

async fn beginning(stream: &TcpStream) -> Begins {
    let mut first = [0];
    match tokio::time::timeout(HEADERS, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first == [HANDSHAKE_RECORD] => Begins::WithTls,
        Ok(Ok(1)) => Begins::Plain,
        _ => Begins::Silent,
    }
}

fn serve_certified(
    bound: Bound,
    identity: &TlsIdentity,
    router: Router,
    notes: Arc<dyn Notes>,
    shutdown: Shutdown,
    plain_too: bool,
) -> BoxFuture<'_, Result<(), TlsError>> {
    Box::pin(async move {
        let acceptor = TlsAcceptor::from(identity.server()?);
        let until = shutdown.clone();
        accept_each(bound.0, shutdown, move |stream: TcpStream| {
            let (acceptor, router, until) = (acceptor.clone(), router.clone(), until.clone());
            let notes = Arc::clone(&notes);
            async move {
                match if plain_too { beginning(&stream).await } else { Begins::WithTls } {
                    Begins::WithTls => {
                        let Some(stream) = handshake(acceptor, stream, notes).await else { return };
                        let peer = shown_by(&stream);
                        serve_stream(stream, router, peer, until).await;
                    }
                    Begins::Plain => serve_stream(stream, router, None, until).await,
                    Begins::Silent => {}
                }
            }
        })
        .await;
        Ok(())
    })
}

/// Serves pages: TLS 1.3 with the server's certificate alone; plain HTTP where there is none, on loopback only (the
/// configuration sees to that).
pub fn serve_pages(
    bound: Bound,
    tls: Option<&PagesTls>,
    router: Router,
    shutdown: Shutdown,
) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        let Some(tls) = tls else { return serve_plain(bound, router, shutdown).await };
        let acceptor = TlsAcceptor::from(tls.server());
        let until = shutdown.clone();
        accept_each(bound.0, shutdown, move |stream: TcpStream| {
            let (acceptor, router, until) = (acceptor.clone(), router.clone(), until.clone());
            async move {
                match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => serve_stream(stream, router, None, until).await,
                    // A browser that does not trust the certificate, or noise: nobody who could be told apart.
                    Ok(Err(_)) | Err(_) => {
                        tracing::debug!("a connection to the pages ended before its handshake")
                    }
                }
            }
        })
        .await;
    })
}

/// Serves plain HTTP, for what anybody may read, or to be bound to loopback.
pub fn serve_plain(bound: Bound, router: Router, shutdown: Shutdown) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let until = shutdown.clone();
        accept_each(bound.0, shutdown, move |stream: TcpStream| {
            let (router, until) = (router.clone(), until.clone());
            async move { serve_stream(stream, router, None, until).await }
        })
        .await;
    })
}
