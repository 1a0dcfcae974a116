//! An implementation under test behind lines, and the harness as its TCP peer.
