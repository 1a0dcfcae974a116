//! Reads a journal and names exactly which record is not what was written, and how.

use std::fs::File;
use std::io::BufReader;

use ports::Record;

use crate::RunDir;
use crate::anchor::Anchor;
use crate::error::JournalError;
use crate::header::Header;
use crate::line::{self, Found, MAX_JOURNAL, Unsealed};

/// How a closing line begins.
pub(crate) const CLOSING: &str = "{\"run_closed\":\"";

/// The closing line without its break.
pub(crate) fn closing(head: &str, seq: u64) -> String {
    format!("{CLOSING}{head}\",\"seq\":{seq}}}")
}

/// A last line that was never finished: the writer died while it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The record that it would have been.
    pub seq: u64,
    /// How many bytes of it are there.
    pub bytes: u64,
}

/// A journal that is what was written.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalFile {
    /// The first line.
    pub header: Header,
    /// All records, from 1 on.
    pub records: Vec<Record>,
    /// Whether the run has ended.
    pub closed: bool,
    /// A last line that was never finished; it counts as not written.
    pub torn: Option<Torn>,
    /// Hash of the last record, or of the header.
    pub head: String,
    /// Bytes of what is whole.
    pub length: u64,
}

/// Reads the journal of a run and checks all of it.
///
/// # Errors
/// The first record that is not what was written, and how; see `JournalError`.
pub fn read(dir: &RunDir) -> Result<JournalFile, JournalError> {
    let path = dir.journal();
    let file = File::open(&path).map_err(JournalError::io(&path))?;
    let bytes = file.metadata().map_err(JournalError::io(&path))?.len();
    if bytes > MAX_JOURNAL {
        return Err(JournalError::TooLarge { bytes, limit: MAX_JOURNAL });
    }
    let mut walk = Walk::open(dir, BufReader::new(file))?;
    while walk.advance()? {}
    check_anchor(dir, &walk.file, &walk.header_hash)?;
    Ok(walk.file)
}

struct Walk<'a> {
    dir: &'a RunDir,
    reader: BufReader<File>,
    buffer: Vec<u8>,
    file: JournalFile,
    header_hash: String,
    line: u64,
}

#[derive(serde::Deserialize)]
struct Closing {
    run_closed: String,
    seq: u64,
}

/// What a sealed line is, seen for itself.
enum Alone {
    Fine(Record),
    Flipped,
    Malformed(String),
}

fn alone(bytes: &[u8]) -> Alone {
    match line::unseal(bytes) {
        Err(Unsealed::NoSeal) => Alone::Malformed("it does not end in a hash".to_owned()),
        Err(Unsealed::Mismatch) => Alone::Flipped,
        Ok(_) => match serde_json::from_slice(bytes) {
            Ok(record) => Alone::Fine(record),
            Err(why) => Alone::Malformed(why.to_string()),
        },
    }
}

impl<'a> Walk<'a> {
    fn open(dir: &'a RunDir, mut reader: BufReader<File>) -> Result<Self, JournalError> {
        let mut buffer = Vec::new();
        let bad = |why: &str| JournalError::Header { why: why.to_owned() };
        match line::next(&mut reader, &mut buffer).map_err(JournalError::io(&dir.journal()))? {
            Found::Whole => {}
            Found::End => return Err(bad("the file is empty")),
            Found::Torn => return Err(bad("the first line is cut")),
            Found::TooLong => return Err(bad("the first line is too long")),
        }
        let (header, hash) = Header::unseal(&buffer)?;
        let length = buffer.len() as u64 + 1;
        let file = JournalFile {
            header,
            records: Vec::new(),
            closed: false,
            torn: None,
            head: hash.clone(),
            length,
        };
        Ok(Self { dir, reader, buffer, file, header_hash: hash, line: 1 })
    }

    fn expected(&self) -> u64 {
        self.file.records.len() as u64 + 1
    }

    fn malformed(&self, why: impl Into<String>) -> JournalError {
        JournalError::Malformed { seq: self.expected(), line: self.line, why: why.into() }
    }

    /// Takes one line; `false` at the end.
    fn advance(&mut self) -> Result<bool, JournalError> {
        self.line += 1;
        let path = self.dir.journal();
        let found = line::next(&mut self.reader, &mut self.buffer).map_err(JournalError::io(&path))?;
        if found == Found::End {
            return Ok(false);
        }
        if self.file.closed {
            return Err(self.malformed("something follows the end of the run"));
        }
        match found {
            Found::TooLong => return Err(self.malformed("the line is too long")),
            Found::Torn => {
                self.tear()?;
                return Ok(false);
            }
            _ if self.buffer.starts_with(CLOSING.as_bytes()) => self.close()?,
            _ => self.admit()?,
        }
        self.file.length += self.buffer.len() as u64 + 1;
        Ok(true)
    }

    fn admit(&mut self) -> Result<(), JournalError> {
        let seq = self.expected();
        let record = match alone(&self.buffer) {
            Alone::Fine(record) => record,
            Alone::Flipped => return Err(JournalError::Flipped { seq }),
            Alone::Malformed(why) => return Err(self.malformed(why)),
        };
        if record.seq != seq {
            return Err(self.disorder(seq, record.seq));
        }
        if record.prev != self.file.head {
            return Err(JournalError::Replaced { seq });
        }
        self.file.head.clone_from(&record.hash);
        self.file.records.push(record);
        Ok(())
    }

    /// `found` stands in the place of `seq`: is `seq` elsewhere, or gone?
    fn disorder(&mut self, seq: u64, found: u64) -> JournalError {
        let mut elsewhere = found < seq;
        while !elsewhere && matches!(line::next(&mut self.reader, &mut self.buffer), Ok(Found::Whole)) {
            elsewhere = matches!(alone(&self.buffer), Alone::Fine(record) if record.seq == seq);
        }
        if elsewhere { JournalError::Reordered { seq, found } } else { JournalError::Gap { seq, found } }
    }

    fn close(&mut self) -> Result<(), JournalError> {
        let have = self.expected() - 1;
        if self.buffer == closing(&self.file.head, have).as_bytes() {
            self.file.closed = true;
            return Ok(());
        }
        match serde_json::from_slice::<Closing>(&self.buffer) {
            // Both differ: it closes a longer journal, whose last records are gone.
            Ok(line) if line.seq > have && line.run_closed != self.file.head => {
                Err(JournalError::Cut { have, anchor: line.seq })
            }
            _ => Err(JournalError::Flipped { seq: have + 1 }),
        }
    }

    /// The file ends without a break. A whole line before a strange last byte was not torn but changed.
    fn tear(&mut self) -> Result<(), JournalError> {
        let seq = self.expected();
        if let Some((_, line)) = self.buffer.split_last()
            && (line::unseal(line).is_ok() || line == closing(&self.file.head, seq - 1).as_bytes())
        {
            return Err(JournalError::Flipped { seq });
        }
        self.file.torn = Some(Torn { seq, bytes: self.buffer.len() as u64 });
        Ok(())
    }
}

fn check_anchor(dir: &RunDir, file: &JournalFile, header_hash: &str) -> Result<(), JournalError> {
    let Some(anchor) = Anchor::read(dir)? else {
        if file.closed {
            return Ok(());
        }
        return Err(JournalError::Anchor { why: "it is missing, so a cut could not be seen".to_owned() });
    };
    let have = file.records.len() as u64;
    if anchor.seq > have || (anchor.closed && !file.closed) {
        return Err(JournalError::Cut { have, anchor: anchor.seq });
    }
    let index = usize::try_from(anchor.seq).unwrap_or(usize::MAX).checked_sub(1);
    let seen = index.map_or(Some(header_hash), |at| file.records.get(at).map(|record| record.hash.as_str()));
    if seen == Some(anchor.head.as_str()) { Ok(()) } else { Err(JournalError::Replaced { seq: anchor.seq }) }
}
