//! From text to tree: by our own reader where it can, else by the `cel` crate's parser on a thread with a stack of its own, because that parser's
//! depth is the text's.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use cel::common::ast::IdedExpr;

use super::crates::ENVIRONMENT;
use super::syntax;

/// Of the parser's thread, in bytes.
const STACK: usize = 16 << 20;

/// Reads texts. The parser's thread is started for the first text that needs it, and ends with the reader.
#[derive(Default)]
pub(super) struct Reader {
    parser: Option<Parser>,
}

impl Reader {
    /// The tree of a text, or why it is no CEL.
    pub(super) fn read(&mut self, text: &str) -> Result<IdedExpr, String> {
        match syntax::read(text) {
            Some(tree) => Ok(tree),
            None => self.parse(text),
        }
    }

    /// The same by the `cel` crate alone.
    pub(super) fn parse(&mut self, text: &str) -> Result<IdedExpr, String> {
        let parser = match self.parser.take() {
            Some(parser) => parser,
            None => Parser::start()?,
        };
        let parsed = parser.parse(text)?;
        self.parser = Some(parser);
        parsed
    }
}

type Parsed = Result<IdedExpr, String>;

/// A thread that parses one text after another.
struct Parser {
    texts: Sender<String>,
    trees: Receiver<Parsed>,
}

impl Parser {
    fn start() -> Result<Self, String> {
        let (texts, wanted) = channel::<String>();
        let (found, trees) = channel();
        let parse = move || {
            for text in wanted {
                let parsed = ENVIRONMENT.compile(&text).map(|program| program.expression().clone());
                let parsed = parsed.map_err(|errors| format!("is no CEL: {}", errors.to_string().lines().next().unwrap_or_default()));
                if found.send(parsed).is_err() {
                    return;
                }
            }
        };
        let started = thread::Builder::new().name("cel".to_owned()).stack_size(STACK).spawn(parse);
        started.map(|_| Self { texts, trees }).map_err(|error| format!("can't be parsed now: {error}"))
    }

    /// The outer error is that the thread has ended, which it does when the parser panics.
    fn parse(&self, text: &str) -> Result<Parsed, String> {
        let ended = || "can't be parsed".to_owned();
        self.texts.send(text.to_owned()).map_err(|_| ended())?;
        self.trees.recv().map_err(|_| ended())
    }
}
