//! Writes the golden journal anew. Needed only when a decision record says that decisions changed.

fn main() -> Result<(), String> {
    let into = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/journals/release-0.1.0");
    delivery_tests::prove::replay::write_golden(std::path::Path::new(into))?;
    println!("written: tests/fixtures/journals/release-0.1.0");
    Ok(())
}
