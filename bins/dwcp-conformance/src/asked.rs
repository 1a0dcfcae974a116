//! Turns words of the command line into what they name.

use std::path::Path;

use adapter_sut::{Carrier, Sut};
use dwcp_conformance::cases;
use dwcp_conformance::requirement::{Case, Profile};

use crate::Usage;

/// Where the implementation is.
pub(crate) fn sut(connect: Option<&str>, adapter: &[String]) -> Result<Sut, Usage> {
    let carrier = match (connect, adapter) {
        (None, []) => return Err("no adapter was named: put it after --, or use --connect".to_owned()),
        (None, words) => Carrier::Process(there(words)?),
        (Some(_), [_, ..]) => return Err("either --connect or an adapter after --, not both".to_owned()),
        (Some(place), []) => match place.split_once(':') {
            Some(("unix", path)) => Carrier::Unix(path.to_owned()),
            Some(("http", address)) => Carrier::Http(address.trim_start_matches('/').to_owned()),
            _ => return Err(format!("{place}: --connect takes unix:PATH or http:HOST:PORT")),
        },
    };
    Ok(Sut::new(carrier, true))
}

/// The words of an adapter whose program is there. One that is not is a slip of whoever asks, and no finding about an
/// implementation; one that is there and cannot be started is.
fn there(words: &[String]) -> Result<Vec<String>, Usage> {
    let program = words.first().map_or("", String::as_str);
    let found = if program.contains('/') {
        Path::new(program).exists()
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).exists())
    };
    if found {
        return Ok(words.to_vec());
    }
    let mend = if program.contains('/') {
        "build it first, or mend its path"
    } else {
        "give its path, as in -- ./adapter"
    };
    Err(format!("there is no program {program}; {mend}"))
}

/// The profiles of those names.
pub(crate) fn profiles(names: &[String]) -> Result<Vec<Profile>, Usage> {
    if names.iter().any(|name| name == "all") {
        return Ok(Profile::ALL.to_vec());
    }
    let known = || Profile::ALL.map(Profile::name).join(" ");
    let find = |name: &String| {
        Profile::named(name).ok_or_else(|| format!("there is no profile {name}; there are: all {}", known()))
    };
    names.iter().map(find).collect()
}

/// The case of that requirement.
pub(crate) fn case(id: &str) -> Result<Case, Usage> {
    let id = id.to_uppercase();
    let found = cases::all().into_iter().find(|case| case.requirement.id == id);
    found.ok_or_else(|| format!("there is no requirement {id}; dwcp-conformance list names them"))
}
