//! Compressed value files.

use std::{fs, io::Read, path::Path};

use storage_core::{ErrorKind, Random, ReadExt, SeededRandom, Store, StoreExt};
use storage_fs::Codec;

use crate::place::{Place, compact, content, figure, file_of, flip, value_files};

const CODECS: [Codec; 4] = [Codec::None, Codec::Gzip, Codec::Zstd, Codec::Lz4];

/// What the tools of a format make of a file.
fn unpacked(file: &Path) -> Vec<u8> {
    let bytes = fs::read(file).unwrap();
    let mut value = Vec::new();
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => {
            let mut decoder = flate2::read::GzDecoder::new(&*bytes);
            decoder.read_to_end(&mut value).unwrap();
        }
        Some("lz4") => {
            let mut decoder = lz4_flex::frame::FrameDecoder::new(&*bytes);
            decoder.read_to_end(&mut value).unwrap();
        }
        Some("zst") => value = zstd::decode_all(&*bytes).unwrap(),
        _ => value = bytes,
    }
    value
}

#[tokio::test]
async fn the_codec_may_be_another_at_each_open_and_every_file_stays_readable() {
    let place = Place::new();
    let value = |codec: Codec| format!("{codec:?} ").repeat(2_000);
    for codec in CODECS.into_iter().chain(CODECS) {
        let store = place
            .open_as("store", |config| config.codec = codec)
            .await
            .unwrap();
        store
            .put(&*format!("{codec:?}"), value(codec))
            .await
            .unwrap();
        store.close().await.unwrap();
    }
    let store = place.open().await;
    for codec in CODECS {
        let key = format!("{codec:?}");
        let entry = store.get(&key).await.unwrap().unwrap();
        assert_eq!(*entry.value(), value(codec));
        let file = file_of(&store, &key).await.unwrap();
        let name = file.to_str().unwrap();
        assert!(
            name.ends_with(&format!("{key}{}", codec.extension())),
            "{name}"
        );
        assert_eq!(unpacked(&file), value(codec).into_bytes());
    }
    assert!(store.check().await.unwrap().damages.is_empty());
}

#[tokio::test]
async fn only_what_gets_smaller_is_compressed_and_figures_say_how_much() {
    let place = Place::new();
    let store = place
        .open_as("store", |config| {
            config.codec = Codec::Zstd;
            config.level = Some(3);
            config.compress_bytes_min = 1_000;
        })
        .await
        .unwrap();
    let mut noise = vec![0; 5_000];
    SeededRandom::new(1).fill(&mut noise).unwrap();
    store.put("noise", noise.clone()).await.unwrap();
    store.put("small", "s".repeat(999)).await.unwrap();
    store.put("large", "l".repeat(50_000)).await.unwrap();
    for (key, extension) in [("noise", ""), ("small", ""), ("large", ".zst")] {
        let file = file_of(&store, key).await.unwrap();
        assert!(
            file.to_str()
                .unwrap()
                .ends_with(&format!(".{key}{extension}"))
        );
    }
    assert_eq!(*store.get("noise").await.unwrap().unwrap().value(), noise);
    assert_eq!(figure(&store, "compressed_files").await, 1);
    assert_eq!(figure(&store, "compressed_value_bytes").await, 50_000);
    let file_bytes = figure(&store, "compressed_file_bytes").await;
    assert!(file_bytes < 1_000, "{file_bytes}");
    let all: u64 = value_files(&place.path("store"))
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .sum();
    compact(&store).await;
    assert_eq!(figure(&store, "file_bytes").await, all);
}

#[tokio::test]
async fn a_flipped_bit_of_a_compressed_file_is_corrupt() {
    let place = Place::new();
    for codec in CODECS {
        let name = format!("{codec:?}");
        let open = || place.open_as(&name, |config| config.codec = codec);
        let store = open().await.unwrap();
        store.put("key", "value ".repeat(1_000)).await.unwrap();
        store.put("other", "other ".repeat(1_000)).await.unwrap();
        let whole = content(&store).await.unwrap();
        let file = file_of(&store, "key").await.unwrap();
        let bytes = fs::read(&file).unwrap();
        for place in (0..bytes.len()).step_by(bytes.len() / 20 + 1) {
            flip(&file, place);
            let error = store.get("key").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(store.exists("other").await.unwrap());
            fs::write(&file, &bytes).unwrap();
        }
        assert_eq!(content(&store).await.unwrap(), whole);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_setting_out_of_bounds_is_refused_by_name() {
    let place = Place::new();
    let refused = place.open_as("store", |config| {
        config.codec = Codec::Lz4;
        config.level = Some(1);
    });
    let error = refused.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("Lz4 has no level"), "{error}");
    let refused = place.open_as("store", |config| config.log_bytes_max = 1);
    let error = refused.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("log_bytes_max"), "{error}");
    assert!(!place.path("store").exists());
}
