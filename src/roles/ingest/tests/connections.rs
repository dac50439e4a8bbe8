//! The real server on a real port.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::house::{House, SAMPLE};
use super::log::Log;
use crate::ops::metrics::Metrics;
use crate::roles::ingest::serve::Failures;
use crate::roles::ingest::{Bounds, connection};

struct Served {
    house: House,
    address: std::net::SocketAddr,
    server: JoinHandle<std::io::Result<()>>,
}

async fn served(bounds: Bounds) -> Served {
    let house = House::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(Arc::clone(&house.ingest).run(listener, bounds));
    Served { house, address, server }
}

fn request(source: &str, more: &str) -> String {
    format!(
        "POST /v1/sources/{source}/leads HTTP/1.1\r\nhost: x\r\nx-api-key: {source}-key\r\ncontent-type: application/json\r\n{more}content-length: {}\r\n\r\n{SAMPLE}",
        SAMPLE.len()
    )
}

async fn everything(mut stream: TcpStream) -> String {
    let mut text = String::new();
    // A reset is an end like any other.
    let _ = stream.read_to_string(&mut text).await;
    text
}

#[tokio::test]
async fn a_lead_posted_over_http_1_is_taken() {
    let served = served(Bounds::default()).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(request("web", "connection: close\r\n").as_bytes()).await.unwrap();
    let reply = everything(stream).await;
    assert!(reply.starts_with("HTTP/1.1 202"), "{reply}");
    assert_eq!(served.house.store.count(), 1);
}

#[tokio::test]
async fn a_lead_posted_over_http_2_is_taken() {
    let served = served(Bounds::default()).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = format!("http://{}/v1/sources/web/leads", served.address);
    let post = client.post(url).header("x-api-key", "web-key").header("content-type", "application/json").body(SAMPLE);
    let reply = post.send().await.unwrap();
    assert_eq!((reply.version(), reply.status().as_u16()), (http::Version::HTTP_2, 202));
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_first_request_head_is_dropped() {
    let served = served(Bounds { first_request: Duration::from_millis(50), ..Bounds::default() }).await;
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n", "POST / HTTP/1.1\r\nhost:"] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        assert!(!everything(stream).await.contains("200"), "{beginning}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_next_request_head_is_dropped() {
    let served = served(Bounds { next_request: Duration::from_millis(50), ..Bounds::default() }).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(format!("{}POST /v1", request("web", "")).as_bytes()).await.unwrap();
    assert!(everything(stream).await.starts_with("HTTP/1.1 202"));
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_room() {
    let served = served(Bounds { connections: 1, ..Bounds::default() }).await;
    let idle = TcpStream::connect(served.address).await.unwrap();
    let mut second = TcpStream::connect(served.address).await.unwrap();
    second.write_all(request("web", "connection: close\r\n").as_bytes()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), second.readable()).await;
    assert!(early.is_err() && served.house.store.count() == 0);
    drop(idle);
    assert!(everything(second).await.starts_with("HTTP/1.1 202"));
}

#[test]
fn tries_to_accept_that_fail_are_counted_each_and_told_once_in_a_row() {
    let (log, _guard) = Log::start();
    let metrics = Metrics::new().unwrap();
    let mut failures = Failures::new(metrics.accept_failures.clone());
    let lines = || (log.text().matches("WARN").count(), log.text().matches("accepted again").count());
    let no_files = || Err::<u8, _>(std::io::Error::from_raw_os_error(libc::EMFILE));
    assert_eq!(failures.note(Ok(1)), Some(1));
    assert_eq!((metrics.accept_failures.get(), lines()), (0, (0, 0)));
    for _ in 0..3 {
        assert_eq!(failures.note(no_files()), None);
    }
    assert_eq!((metrics.accept_failures.get(), lines()), (3, (1, 0)));
    assert_eq!((failures.note(Ok(2)), failures.note(Ok(3))), (Some(2), Some(3)));
    assert_eq!((metrics.accept_failures.get(), lines()), (3, (1, 1)));
    failures.note(no_files());
    assert_eq!((metrics.accept_failures.get(), lines()), (4, (2, 1)));
}

#[tokio::test]
async fn at_the_end_what_was_begun_is_answered_and_the_server_returns() {
    let served = served(Bounds::default()).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(request("patient", "").as_bytes()).await.unwrap();
    served.house.store.kept(1).await;
    served.house.drain.cancel();
    assert!(everything(stream).await.starts_with("HTTP/1.1 202"));
    served.server.await.unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn at_the_end_a_kept_connection_is_answered_once_more_and_told_to_go() {
    let served = served(Bounds::default()).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(request("web", "").as_bytes()).await.unwrap();
    served.house.store.kept(1).await;
    stream.readable().await.unwrap();
    served.house.drain.cancel();
    stream.write_all(request("web", "").as_bytes()).await.unwrap();
    let answers = everything(stream).await;
    assert_eq!(answers.matches("HTTP/1.1 202").count(), 2, "{answers}");
    assert!(answers.to_lowercase().contains("connection: close"), "{answers}");
    served.server.await.unwrap().unwrap();
}

/// Bounds of a server that closes idle connections as soon as it is told to.
const CURT: Bounds =
    Bounds { connections: 8, first_request: Duration::from_secs(10), next_request: Duration::from_secs(10), farewell: Duration::ZERO };

#[tokio::test]
async fn a_request_that_came_before_its_connection_is_closed_is_answered() {
    let (ingest, closing) = (House::new(), CancellationToken::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let (mut client, (accepted, _)) = (client.unwrap(), accepted.unwrap());
    let shared = connection::House { router: ingest.ingest.router(), bounds: CURT, leaving: closing.clone(), closing: closing.clone() };
    let ended = tokio::spawn(connection::connection(accepted, shared));
    client.write_all(request("web", "").as_bytes()).await.unwrap();
    client.readable().await.unwrap();
    // Nobody else is at work between these two, so the server has not seen the second request when it is told to close.
    assert_eq!(client.try_write(request("web", "").as_bytes()).unwrap(), request("web", "").len());
    closing.cancel();
    let answers = everything(client).await;
    let told_to_go = answers.to_lowercase().matches("connection: close").count();
    assert_eq!((answers.matches("HTTP/1.1 202").count(), told_to_go), (2, 1), "{answers}");
    ended.await.unwrap();
}

#[tokio::test]
async fn at_the_end_a_request_on_a_connection_that_was_not_accepted_yet_is_answered() {
    let served = served(CURT).await;
    // The server is at its listener by now, and knows of no connection.
    tokio::task::yield_now().await;
    let mut stream = std::net::TcpStream::connect(served.address).unwrap();
    std::io::Write::write_all(&mut stream, request("web", "").as_bytes()).unwrap();
    served.house.drain.cancel();
    stream.set_nonblocking(true).unwrap();
    let answer = everything(TcpStream::from_std(stream).unwrap()).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    served.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn at_the_end_a_connection_that_was_just_made_may_still_ask() {
    let farewell = Duration::from_secs(1);
    let served = served(Bounds { farewell, ..CURT }).await;
    // Keeps the server up until its farewell is over.
    let mut kept = TcpStream::connect(served.address).await.unwrap();
    kept.write_all(request("web", "").as_bytes()).await.unwrap();
    kept.readable().await.unwrap();
    served.house.drain.cancel();
    tokio::task::yield_now().await;
    // The server gets no turn in its last moments, and then finds one more client.
    std::thread::sleep(farewell);
    let late = std::net::TcpStream::connect(served.address).unwrap();
    assert!(everything(kept).await.starts_with("HTTP/1.1 202"));
    assert!(TcpStream::connect(served.address).await.is_err(), "the listener is closed");
    late.set_nonblocking(true).unwrap();
    let mut late = TcpStream::from_std(late).unwrap();
    late.write_all(request("web", "").as_bytes()).await.unwrap();
    let answer = everything(late).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    served.server.await.unwrap().unwrap();
}
