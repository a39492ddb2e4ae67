//! What a stack is going to be, checked before any of it exists.

use crate::{
    Capabilities, Components, Error, ErrorKind, Result, Store,
    header::{self, StoredLayer},
    layer::{
        Layer, LayerDeclaration,
        phase::{Engine, ORDER, Phase},
    },
};

/// The layers of a stack as far as they are known, innermost first.
#[derive(Debug)]
pub struct Plan {
    /// What the store so far will be able to do.
    capabilities: Capabilities,
    /// The outermost layer so far that is bound to a place, as errors name it,
    /// and its phase's rank.
    outermost: (String, Option<u8>),
    /// The layers that alter what is stored, innermost first.
    formats: Vec<StoredLayer>,
}

impl Plan {
    /// The plan of an engine alone.
    pub(super) fn on(engine: &Capabilities) -> Self {
        Self {
            capabilities: engine.clone(),
            outermost: (Engine::NAME.into(), Engine::RANK),
            formats: Vec::new(),
        }
    }

    /// Puts `layer` outside all layers so far.
    ///
    /// # Errors
    /// `Invalid` if the layer does not belong there or has no proper name,
    /// `Unsupported` if it needs what the store so far cannot do.
    pub(super) fn add<L: Layer>(&mut self, layer: &L) -> Result<()> {
        let declaration = layer.declaration();
        let name = declaration.name;
        check_name(name)
            .and_then(|()| self.check_place::<L::Phase>(name))
            .and_then(|()| self.check_needs(&declaration))
            .map_err(|error| error.with_layer(name))?;
        self.capabilities = layer.capabilities(&self.capabilities);
        if let Some(format) = declaration.format {
            self.formats.push(StoredLayer::new(name, format));
        }
        Ok(())
    }

    /// Checks that the store was written by this stack, or makes it so that it
    /// will have been.
    ///
    /// # Errors
    /// As for [`header::settle`].
    pub(super) async fn settle<E: Store>(
        &mut self,
        engine: &E,
        components: &Components,
    ) -> Result<()> {
        let layers = self.formats.drain(..).rev().collect();
        header::settle(engine, layers, &*components.random).await
    }

    /// Checks that the opened stack can do what its layers said it could.
    ///
    /// # Errors
    /// `Internal` if a layer's store declares other capabilities than the layer.
    pub(super) fn confirm(&self, opened: &Capabilities) -> Result<()> {
        if self.capabilities == *opened {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Internal,
            "the opened stack has other capabilities than its layers announced; \
             a layer's `capabilities` and those of its store differ",
        ))
    }

    fn check_place<P: Phase>(&mut self, name: &str) -> Result<()> {
        let place = format!("{} layer `{name}`", P::NAME);
        let (outermost, rank) = &self.outermost;
        match (P::RANK, *rank) {
            (None, _) => return Ok(()),
            (Some(outer), Some(inner)) if outer >= inner => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!(
                        "the {place} cannot be placed outside the {outermost}; \
                         outermost to innermost: {ORDER}; each at most once"
                    ),
                ));
            }
            _ => {}
        }
        self.outermost = (place, P::RANK);
        Ok(())
    }

    fn check_needs(&self, declaration: &LayerDeclaration) -> Result<()> {
        let mut needs = declaration.needs.iter();
        let Some(missing) = needs.find(|need| !need.is_met_by(&self.capabilities)) else {
            return Ok(());
        };
        Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the layer `{}` needs {missing}, which the store below it does not offer; \
                 use another engine or leave the layer out",
                declaration.name
            ),
        ))
    }
}

fn check_name(name: &str) -> Result<()> {
    let legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if !name.is_empty() && name.bytes().all(legal) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        "the name of a layer is made of lower-case letters, digits and `-`",
    ))
}
