//! Findings on text: spans, levels, hints, and their rendering with a caret.
