//! Proofs.
mod power_loss;
