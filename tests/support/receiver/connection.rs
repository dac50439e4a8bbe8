//! Connections that a receiver can cut without an answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// One end of a connection, as a request's handler sees it.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    cut: Arc<AtomicBool>,
}

impl Peer {
    fn new() -> Peer {
        Peer { cut: Arc::new(AtomicBool::new(false)) }
    }

    /// Nothing more is written; the next attempt closes the connection.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, Connections>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Peer {
        stream.remote_addr().clone()
    }
}

/// Takes connections.
pub(super) struct Connections {
    listener: TcpListener,
}

impl Connections {
    pub fn of(listener: TcpListener) -> Connections {
        Connections { listener }
    }
}

impl Listener for Connections {
    type Io = Cuttable;
    type Addr = Peer;

    async fn accept(&mut self) -> (Cuttable, Peer) {
        let (stream, _): (TcpStream, SocketAddr) = Listener::accept(&mut self.listener).await;
        // An answer goes out at once, as from a server that is well set up.
        let _ = stream.set_nodelay(true);
        let peer = Peer::new();
        (Cuttable { stream, peer: peer.clone() }, peer)
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer::new())
    }
}

/// A connection that fails on writing once it is cut.
pub(super) struct Cuttable {
    stream: TcpStream,
    peer: Peer,
}

impl AsyncRead for Cuttable {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.peer.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
