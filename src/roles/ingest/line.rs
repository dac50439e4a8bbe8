//! A client's line, which can be asked whether all that the client said has been answered.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How far the talk on a line has come. Its parts are told by one task, the connection's.
#[derive(Default)]
pub struct Talk {
    /// A whole request's head came, ever.
    asked: AtomicBool,
    /// Requests come beside each other, by HTTP/2.
    multiplexed: AtomicBool,
    /// Something came in, and no answer was given since.
    unanswered: AtomicBool,
    /// Somebody wants to hang up.
    ending: AtomicBool,
    /// At the last look, all was answered and nothing more had come.
    over: AtomicBool,
}

impl Talk {
    /// A request has come.
    pub fn ask(&self, multiplexed: bool) {
        self.asked.store(true, Ordering::Relaxed);
        self.multiplexed.store(multiplexed, Ordering::Relaxed);
    }

    /// It is answered.
    pub fn answer(&self) {
        self.unanswered.store(false, Ordering::Relaxed);
    }

    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    pub fn multiplexed(&self) -> bool {
        self.multiplexed.load(Ordering::Relaxed)
    }

    /// From now on, whoever reads the line also looks whether the talk [is over](Self::is_over).
    pub fn listen_out(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// The stream of a connection.
pub struct Line {
    stream: TcpStream,
    talk: Arc<Talk>,
}

impl Line {
    pub fn new(stream: TcpStream, talk: Arc<Talk>) -> Self {
        Self { stream, talk }
    }

    /// Whether everything is answered and nothing waits to be read. It asks the system itself: what Tokio knows is what it was told at its last look.
    fn is_over(&self) -> bool {
        !self.talk.unanswered.load(Ordering::Relaxed)
            && matches!(SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.talk.unanswered.store(true, Ordering::Relaxed);
        } else if self.talk.is_ending() {
            self.talk.over.store(self.is_over(), Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
