//! Whether a stack stores data in the way a store was written.

use std::fmt;

use super::StoredLayer;
use crate::{Error, ErrorKind};

/// What must happen to the header of a store that a stack may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing: the formats are the same.
    Same,
    /// A layer of the stack writes a newer version of its format: the header
    /// must say so before it does.
    Raised,
}

/// Why a stack may not open a store. The layers are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// The store was written with a layer that the stack does not have.
    Missing(String),
    /// The stack has a layer that the store was not written with.
    Extra(String),
    /// The same layers, in another order.
    Order,
    /// A layer is set up in another way.
    Detail(String),
    /// A layer of the stack is older than the one that wrote the store.
    Newer(String),
}

/// Compares the layers that wrote a store with those of a stack, both outermost
/// first. Of several differences it names the first in the order of
/// [`Difference`].
pub(super) fn compare(
    written: &[StoredLayer],
    stack: &[StoredLayer],
) -> Result<Verdict, Difference> {
    if let Some(missing) = first_not_in(written, stack) {
        return Err(Difference::Missing(missing));
    }
    if let Some(extra) = first_not_in(stack, written) {
        return Err(Difference::Extra(extra));
    }
    let pairs = || written.iter().zip(stack);
    if written.len() != stack.len() || pairs().any(|(was, is)| was.name != is.name) {
        return Err(Difference::Order);
    }
    if let Some((was, _)) = pairs().find(|(was, is)| was.format.version > is.format.version) {
        return Err(Difference::Newer(was.name.clone()));
    }
    if let Some((was, _)) = pairs().find(|(was, is)| was.format.detail != is.format.detail) {
        return Err(Difference::Detail(was.name.clone()));
    }
    if written == stack {
        Ok(Verdict::Same)
    } else {
        Ok(Verdict::Raised)
    }
}

fn first_not_in(layers: &[StoredLayer], others: &[StoredLayer]) -> Option<String> {
    let known = |name: &str| others.iter().any(|other| other.name == name);
    let layer = layers.iter().find(|layer| !known(&layer.name))?;
    Some(layer.name.clone())
}

impl Difference {
    /// The refusal to open a store written by `written` as `stack`.
    pub(super) fn refusal(&self, written: &[StoredLayer], stack: &[StoredLayer]) -> Error {
        let kind = match self {
            Self::Newer(_) => ErrorKind::Unsupported,
            _ => ErrorKind::Invalid,
        };
        let (written, stack) = (Lineup(written), Lineup(stack));
        Error::new(
            kind,
            format!("the store was written with {written}, the stack has {stack}: {self}"),
        )
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(layer) => write!(f, "add the layer `{layer}`, or copy the data"),
            Self::Extra(layer) => write!(f, "leave out the layer `{layer}`, or copy the data"),
            Self::Order => f.write_str("put the layers in the order of the store"),
            Self::Detail(layer) => {
                write!(f, "set up the layer `{layer}` as it was, or copy the data")
            }
            Self::Newer(layer) => write!(
                f,
                "the layer `{layer}` of a newer version wrote the store; upgrade"
            ),
        }?;
        match self {
            Self::Missing(_) | Self::Extra(_) | Self::Detail(_) => {
                f.write_str(" to a new store of this stack")
            }
            Self::Order | Self::Newer(_) => Ok(()),
        }
    }
}

/// Layers as errors show them, outermost first.
pub(super) struct Lineup<'a>(pub(super) &'a [StoredLayer]);

impl fmt::Display for Lineup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no layers that alter what is stored");
        }
        for (index, StoredLayer { name, format }) in self.0.iter().enumerate() {
            let between = if index == 0 { "" } else { " > " };
            write!(f, "{between}{name} v{}", format.version)?;
            if !format.detail.is_empty() {
                write!(f, " ({})", format.detail.escape_debug())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::LayerFormat;

    fn layer(name: &str, version: u32, detail: &str) -> StoredLayer {
        StoredLayer::new(name, LayerFormat::new(version, detail))
    }

    fn written() -> Vec<StoredLayer> {
        vec![layer("dedup", 2, "hash=blake3"), layer("encrypt", 3, "")]
    }

    #[track_caller]
    fn refused(stack: &[StoredLayer], expected: &Difference, kind: ErrorKind, remedy: &str) {
        let difference = compare(&written(), stack).unwrap_err();
        assert_eq!(&difference, expected);
        let refusal = difference.refusal(&written(), stack);
        assert_eq!(refusal.kind(), kind);
        assert!(refusal.message().contains(remedy), "{refusal}");
        let whole = "written with dedup v2 (hash=blake3) > encrypt v3, the stack has ";
        assert!(refusal.message().contains(whole), "{refusal}");
    }

    #[test]
    fn the_same_layers_may_open_the_store() {
        assert_eq!(compare(&written(), &written()), Ok(Verdict::Same));
        assert_eq!(compare(&[], &[]), Ok(Verdict::Same));
    }

    #[test]
    fn a_newer_layer_takes_an_older_store_over() {
        let stack = [layer("dedup", 3, "hash=blake3"), layer("encrypt", 3, "")];
        assert_eq!(compare(&written(), &stack), Ok(Verdict::Raised));
    }

    #[test]
    fn a_missing_layer_is_named() {
        refused(
            &[layer("encrypt", 3, "")],
            &Difference::Missing("dedup".into()),
            ErrorKind::Invalid,
            "add the layer `dedup`",
        );
        refused(
            &[],
            &Difference::Missing("dedup".into()),
            ErrorKind::Invalid,
            "the stack has no layers that alter what is stored",
        );
    }

    #[test]
    fn an_extra_layer_is_named() {
        let mut stack = written();
        stack.push(layer("compress", 1, ""));
        refused(
            &stack,
            &Difference::Extra("compress".into()),
            ErrorKind::Invalid,
            "leave out the layer `compress`",
        );
    }

    #[test]
    fn another_order_is_refused() {
        let mut stack = written();
        stack.reverse();
        refused(
            &stack,
            &Difference::Order,
            ErrorKind::Invalid,
            "the stack has encrypt v3 > dedup v2",
        );
    }

    #[test]
    fn a_layer_that_occurs_more_often_is_refused() {
        let mut stack = written();
        stack.push(layer("encrypt", 3, ""));
        refused(
            &stack,
            &Difference::Order,
            ErrorKind::Invalid,
            "the order of the store",
        );
    }

    #[test]
    fn a_layer_set_up_in_another_way_is_named() {
        refused(
            &[layer("dedup", 2, "hash=sha256"), layer("encrypt", 3, "")],
            &Difference::Detail("dedup".into()),
            ErrorKind::Invalid,
            "set up the layer `dedup` as it was",
        );
    }

    #[test]
    fn a_store_of_a_newer_layer_asks_for_an_upgrade() {
        refused(
            &[layer("dedup", 2, "hash=blake3"), layer("encrypt", 2, "")],
            &Difference::Newer("encrypt".into()),
            ErrorKind::Unsupported,
            "upgrade",
        );
    }
}
