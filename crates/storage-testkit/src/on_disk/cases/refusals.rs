//! Directories that are not, or not any more, a store of this engine's.

use std::{fs, path::Path};

use storage_core::{ErrorKind, Retry, StoreDirectory};

use crate::{
    CaseResult,
    failure::{ensure, ensure_eq},
    on_disk::{OnDisk, Scene},
};

/// A directory that holds somebody else's files is `Invalid`, and the error
/// names one of them. Nothing is made there.
pub async fn a_directory_with_other_files_is_refused_and_left_alone<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    let path = scene.path("theirs");
    fs::create_dir(&path)?;
    fs::write(path.join("notes.txt"), "mine")?;
    let error = scene.refuses(&path, ErrorKind::Invalid).await?;
    ensure!(
        error.message().contains("notes.txt"),
        "the error does not name the file: {error}"
    );
    Ok(())
}

/// A path to a file is refused for good, and the error names it.
pub async fn a_file_is_no_store<S: OnDisk>(scene: &Scene<S>) -> CaseResult {
    let path = scene.path("letter");
    fs::write(&path, "dear")?;
    let error = scene.refuses(&path, ErrorKind::Invalid).await?;
    ensure!(
        error.message().contains("letter"),
        "the error does not name the file: {error}"
    );
    ensure_eq!(
        error.retry(),
        Retry::Never,
        "it will not become a directory"
    );
    Ok(())
}

/// A store whose format is newer than the engine knows is `Unsupported`, and the
/// error says to upgrade.
pub async fn a_newer_format_is_refused<S: OnDisk>(scene: &Scene<S>) -> CaseResult {
    let path = scene.path("store");
    let mut ledger = scene.make(&path).await?;
    let own = fs::read(path.join("STORAGE"))?;
    for version in [S::FORMAT_VERSION + 1, u32::MAX] {
        fs::write(
            path.join("STORAGE"),
            format_file(scene, S::ENGINE, version)?,
        )?;
        let error = scene.refuses(&path, ErrorKind::Unsupported).await?;
        ensure!(
            error.message().contains("upgrade"),
            "the error does not say to upgrade: {error}"
        );
    }
    fs::write(path.join("STORAGE"), own)?;
    scene.holds(&path, &mut ledger).await
}

/// A store of another engine is `Invalid`, and the error names that engine.
pub async fn a_store_of_another_engine_is_refused_by_name<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    let path = scene.path("store");
    scene.make(&path).await?;
    fs::write(path.join("STORAGE"), format_file(scene, "another", 1)?)?;
    let error = scene.refuses(&path, ErrorKind::Invalid).await?;
    ensure!(
        error.message().contains("another"),
        "the error does not name the engine: {error}"
    );
    Ok(())
}

/// A format file that is not what was written is `Corrupt`, and never a store
/// to be made anew.
pub async fn a_damaged_format_file_is_corrupt<S: OnDisk>(scene: &Scene<S>) -> CaseResult {
    let path = scene.path("store");
    let mut ledger = scene.make(&path).await?;
    let own = fs::read(path.join("STORAGE"))?;
    let mut wrong = own.clone();
    if let Some(byte) = wrong.iter_mut().rfind(|byte| byte.is_ascii_digit()) {
        *byte ^= 1;
    }
    let half = own.get(..own.len() / 2).unwrap_or_default();
    for text in [b"", half, &wrong, b"\xFF\xFE\n", b"storage\n"] {
        fs::write(path.join("STORAGE"), text)?;
        scene
            .refuses(&path, ErrorKind::Corrupt)
            .await
            .map_err(|failure| failure.within(text.escape_ascii()))?;
    }
    fs::write(path.join("STORAGE"), own)?;
    scene.holds(&path, &mut ledger).await
}

/// A store without its data is `Corrupt`, and the error says what is missing.
pub async fn a_store_whose_data_is_gone_is_corrupt<S: OnDisk>(scene: &Scene<S>) -> CaseResult {
    let path = scene.path("store");
    scene.make(&path).await?;
    fs::remove_dir_all(path.join("data"))?;
    let error = scene.refuses(&path, ErrorKind::Corrupt).await?;
    ensure!(
        error.message().contains("missing"),
        "the error does not say what is missing: {error}"
    );
    Ok(())
}

/// A creation that lost its process is begun anew, and one that only lacked its
/// last step is finished.
pub async fn a_creation_that_was_cut_off_is_begun_anew<S: OnDisk>(scene: &Scene<S>) -> CaseResult {
    let path = scene.path("store");
    fs::create_dir_all(path.join("data.new/half"))?;
    fs::write(path.join("data.new/half/made"), "hal")?;
    fs::write(path.join("LOCK"), "")?;
    fs::write(path.join("STORAGE.new"), "stor")?;
    let mut ledger = scene.make(&path).await?;
    scene.holds(&path, &mut ledger).await?;

    fs::rename(path.join("data"), path.join("data.new"))?;
    scene.holds(&path, &mut ledger).await
}

/// The format file of a store of `engine` in format `version`.
fn format_file<S: OnDisk>(scene: &Scene<S>, engine: &str, version: u32) -> CaseResult<Vec<u8>> {
    let path = scene.path(&format!("{engine} {version}"));
    StoreDirectory::claim(&path, engine, version, |_: &Path| Ok(()))?;
    Ok(fs::read(path.join("STORAGE"))?)
}
