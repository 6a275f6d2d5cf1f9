//! The layers of an image, in their order or by size.

use maud::{Markup, html};
use sealift_oci::Digest;

use crate::layout::{bar, bytes, count, empty, plain};
use crate::table::{numbers, rest, table, words};

/// A layer, or another blob that a manifest lists.
pub(crate) struct Layer {
    /// From 1, lowest first.
    pub(crate) number: usize,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    /// The instruction that made it, or its type.
    pub(crate) instruction: String,
}

pub(crate) fn body(address: &str, mut layers: Vec<Layer>, is_by_size: bool) -> Markup {
    if layers.is_empty() {
        return empty("It has no layers.", &html! { "The manifest says what it is." });
    }
    let largest = layers.iter().map(|layer| layer.bytes).max().unwrap_or(1).max(1);
    let total = layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.bytes));
    if is_by_size {
        layers.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.number.cmp(&b.number)));
    }
    let current = |is_this: bool| is_this.then_some("true");
    let columns =
        [numbers("No."), numbers("Size"), words("Share"), rest("Made by"), words("Digest")];
    let cells = |layer: &Layer| {
        vec![
            html! { (layer.number) },
            html! { (bytes(layer.bytes)) },
            html! { (percent(layer.bytes, total)) (bar(share(layer.bytes, largest))) },
            html! { code { (plain(&layer.instruction)) } },
            html! { span .digest { (layer.digest.short()) } },
        ]
    };
    html! {
        p { (count(layers.len(), "layer", "layers")) ", " (bytes(total)) " as they are stored" }
        p .sort {
            "Order: "
            a href={ (address) "?view=layers" } aria-current=[current(!is_by_size)] { "as they lie" }
            " · "
            a href={ (address) "?view=layers&sort=size" } aria-current=[current(is_by_size)] { "largest first" }
        }
        (table("Layers", &columns, &layers.iter().map(cells).collect::<Vec<_>>()))
    }
}

fn share(part: u64, whole: u64) -> u64 {
    let thousandths = u128::from(part) * 1000 / u128::from(whole.max(1));
    u64::try_from(thousandths).unwrap_or(1000)
}

fn percent(part: u64, whole: u64) -> String {
    let thousandths = share(part, whole);
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}
