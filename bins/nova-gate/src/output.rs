//! Where a report goes: to standard output in one format, and to as many files as are wanted, by their endings.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use gate::Report;
use gate::render;

use crate::failure::Failure;
use crate::say;
use crate::{files, junit};

/// The form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For a person.
    Text,
    /// As data.
    Json,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person.
    Text,
    /// Everything, as data.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
    /// GitHub annotations.
    Github,
}

/// `--format` and files.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutputArgs {
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Also write files, by their endings: .txt .json .sarif .xml (JUnit) .md .html .svg; a folder gets all of them
    #[arg(long, num_args = 1.., value_name = "FILE|FOLDER")]
    pub(crate) output: Vec<PathBuf>,
    /// Write the picture
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) picture: Option<PathBuf>,
    /// Write the report as one page
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
}

/// Prints a report and writes it where it is wanted; also as a job summary where GitHub wants one.
pub(crate) fn put(args: &OutputArgs, report: &Report, gate_file: Option<&Path>) -> Result<(), Failure> {
    let file = gate_file.map(|path| path.display().to_string());
    say::put!("{}", formed(args.format, report, file.as_deref())?);
    for (path, ending) in
        args.picture.iter().map(|it| (it, "svg")).chain(args.html.iter().map(|it| (it, "html")))
    {
        files::write(path, &by_ending(ending, path, report, file.as_deref())?)?;
    }
    for path in &args.output {
        let ending = path.extension().and_then(|it| it.to_str());
        match ending {
            Some(ending) if !path.is_dir() => {
                files::write(path, &by_ending(ending, path, report, file.as_deref())?)?;
            }
            _ => folder(path, report, file.as_deref())?,
        }
    }
    summary(report)
}

fn formed(format: Format, report: &Report, file: Option<&str>) -> Result<String, Failure> {
    Ok(match format {
        Format::Text => render::text(report),
        Format::Json => json(report)?,
        Format::Sarif => json(&render::sarif(report, file))?,
        Format::Junit => junit::junit(report)?,
        Format::Github => render::annotations(report),
    })
}

fn by_ending(ending: &str, path: &Path, report: &Report, file: Option<&str>) -> Result<String, Failure> {
    Ok(match ending {
        "txt" => render::text(report),
        "json" => json(report)?,
        "sarif" => json(&render::sarif(report, file))?,
        "xml" => junit::junit(report)?,
        "md" => render::summary(report),
        "html" => render::html(report),
        "svg" => health::sequential::svg(&report.explanation),
        _ => {
            let known = ".txt .json .sarif .xml .md .html .svg";
            return Err(Failure::usage(format!(
                "{}: the ending says the form; one of {known}",
                path.display()
            )));
        }
    })
}

fn folder(path: &Path, report: &Report, file: Option<&str>) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    for name in ["gate.txt", "gate.json", "gate.sarif", "junit.xml", "summary.md", "gate.html", "gate.svg"] {
        let ending = name.rsplit('.').next().unwrap_or_default();
        let path = path.join(name);
        files::write(&path, &by_ending(ending, &path, report, file)?)?;
    }
    Ok(())
}

/// One value of JSON with a line end.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::unexpected(error.to_string()))?;
    Ok(text + "\n")
}

/// Appends the job summary where `GITHUB_STEP_SUMMARY` says.
fn summary(report: &Report) -> Result<(), Failure> {
    use std::io::Write as _;
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(path);
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    let written = opened.and_then(|mut file| file.write_all(render::summary(report).as_bytes()));
    written.map_err(|error| Failure::usage(format!("GITHUB_STEP_SUMMARY {}: {error}", path.display())))
}
