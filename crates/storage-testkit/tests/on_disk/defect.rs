//! The ways to break the small engine.

/// What a broken engine does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// It leaves a file in every directory it looks into.
    Litters,
    /// It takes any format for its own.
    OpensNewerFormats,
    /// It makes a store anew where the format file is damaged.
    BeginsAnew,
    /// Nobody is kept from opening a store that is open.
    LocksNothing,
    /// A store that is in use seems to stay so.
    NeverSaysLater,
    /// Nothing is written before the store is closed.
    WritesAtTheEnd,
    /// It looks for its files by the path it was given.
    KeepsThePath,
    /// It makes the path again that it was given, if it is gone.
    RemakesThePath,
    /// The first commit that finds no room is acknowledged.
    SwallowsAFullDisk,
    /// Commits that find no room are told as not applied, and show up.
    AppliesWhatItRefuses,
    /// A full disk is told as a defect of the engine.
    BlamesItself,
    /// A sync that fails is told as if nothing had been written, and forgotten.
    ForgetsFailedSyncs,
    /// It writes over the file it needs, and a full disk leaves half of it.
    WritesInPlace,
    /// What it may not read is told as damage.
    TakesRefusalForDamage,
    /// Checksums are not looked at.
    TakesDamage,
    /// What is damaged is taken to be what it was before the last commit.
    FallsBack,
    /// What is damaged is taken to be empty.
    EmptiesWhatIsDamaged,
    /// Damage is told once, and the file then set right.
    ReportsDamageOnce,
    /// Damage makes it panic.
    PanicsAtDamage,
    /// Damage is met by gets, and not by a check.
    ChecksNothing,
    /// Expiries are left out when the file is read.
    ForgetsExpiries,
    /// The last byte of long keys is left out when the file is read.
    CutsLongKeys,
}
