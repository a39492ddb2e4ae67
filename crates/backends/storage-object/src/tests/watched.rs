//! Objects in memory that a test watches, and whose puts it holds up.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};
use tokio::sync::Semaphore;

/// Puts go on as those of files do: whether anybody waits for them or not.
#[derive(Debug)]
pub(super) struct Watched {
    objects: Arc<InMemory>,
    /// Each put takes one of these to go on.
    puts: Arc<Semaphore>,
    bytes_got: AtomicU64,
    /// How many milliseconds each get takes.
    get_takes: AtomicU64,
    /// How many milliseconds each answer of a listing takes.
    answer_takes: AtomicU64,
}

impl Watched {
    pub(super) const PER_ANSWER: usize = 10;

    pub(super) fn new() -> Self {
        Self {
            objects: Arc::default(),
            puts: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            bytes_got: AtomicU64::new(0),
            get_takes: AtomicU64::new(0),
            answer_takes: AtomicU64::new(0),
        }
    }

    /// Holds up the puts that come.
    pub(super) fn hold_puts(&self) {
        self.puts.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets puts go on, of those that wait the first ones first.
    pub(super) fn let_puts_go(&self, count: usize) {
        self.puts.add_permits(count);
    }

    /// Lets each get take so long.
    pub(super) fn slow_gets_down(&self, takes: Duration) {
        let takes = takes.as_millis().try_into().unwrap();
        self.get_takes.store(takes, Ordering::SeqCst);
    }

    /// Lets each answer of a listing, of which there is one for every
    /// [`PER_ANSWER`](Self::PER_ANSWER) objects, take so long.
    pub(super) fn slow_listings_down(&self, takes: Duration) {
        let takes = takes.as_millis().try_into().unwrap();
        self.answer_takes.store(takes, Ordering::SeqCst);
    }

    fn in_answers(
        &self,
        objects: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let takes = Duration::from_millis(self.answer_takes.load(Ordering::SeqCst));
        let answers = objects
            .chunks(Self::PER_ANSWER)
            .then(move |answer| async move {
                tokio::time::sleep(takes).await;
                stream::iter(answer)
            });
        answers.flatten().boxed()
    }

    /// How many bytes of objects were got since this was asked last.
    pub(super) fn bytes_got(&self) -> usize {
        self.bytes_got.swap(0, Ordering::SeqCst).try_into().unwrap()
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched objects")
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let (objects, puts) = (Arc::clone(&self.objects), Arc::clone(&self.puts));
        let location = location.clone();
        let going_on = tokio::spawn(async move {
            puts.acquire().await.unwrap().forget();
            objects.put_opts(&location, payload, options).await
        });
        going_on.await.unwrap()
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let takes = self.get_takes.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(takes)).await;
        let got = self.objects.get_opts(location, options).await?;
        let bytes = got.range.end - got.range.start;
        self.bytes_got.fetch_add(bytes, Ordering::SeqCst);
        Ok(got)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.in_answers(self.objects.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.in_answers(self.objects.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}
