using System.Text;

namespace GumbelGan.Storage;

/// <summary>
/// Files that are either wholly the old one or wholly the new one, whatever happens: content goes to a temporary name in the same folder,
/// is flushed to the disk, and takes the final name by one rename, which is flushed too.
/// </summary>
/// <remarks>
/// A failure leaves the previous file as it was and no temporary file. Only a process that is killed can leave a temporary file behind;
/// <see cref="RemoveLeftovers"/> sweeps those.
/// </remarks>
public static class AtomicFile
{
    /// <summary>How the names of temporary files end.</summary>
    public const string TemporaryExtension = ".partial";

    /// <summary>Writes what <paramref name="write"/> puts into the stream to <paramref name="path"/>, all or nothing.</summary>
    /// <param name="path">The file to create or replace; its folder must exist. Devices (such as /dev/stdout) are written through.</param>
    /// <param name="write">Fills the stream; an exception of its own leaves the previous file in place and travels on.</param>
    /// <param name="medium">Where files land; the disk unless a test says otherwise.</param>
    /// <exception cref="UserMistakeException">The disk is full, the folder is read-only or gone, or the path is a folder.</exception>
    public static void Write(string path, Action<Stream> write, IFileMedium? medium = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        medium ??= DiskMedium.Instance;
        try
        {
            // Renaming over a device would put a plain file in its place.
            string target = Path.GetFullPath(path);
            if (IsDevice(target))
            {
                using Stream device = medium.Open(target, FileMode.Open);
                write(device);
                return;
            }

            // A symbolic link goes on pointing where it did: the file that it names is the one replaced.
            var file = new FileInfo(target);
            target = file.LinkTarget is null ? target : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
            Replace(target, write, medium);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Explain(path, failure);
        }
    }

    /// <summary>Writes <paramref name="text"/> in UTF-8 without a byte-order mark.</summary>
    /// <exception cref="UserMistakeException">As for <see cref="Write"/>.</exception>
    public static void WriteAllText(string path, string text, IFileMedium? medium = null)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Write(path, stream => stream.Write(bytes), medium);
    }

    /// <summary>Writes <paramref name="bytes"/>.</summary>
    /// <exception cref="UserMistakeException">As for <see cref="Write"/>.</exception>
    public static void WriteAllBytes(string path, ReadOnlyMemory<byte> bytes, IFileMedium? medium = null) =>
        Write(path, stream => stream.Write(bytes.Span), medium);

    /// <summary>
    /// Deletes temporary files that killed processes left in <paramref name="folder"/>. Call it only while no other process writes there.
    /// </summary>
    public static void RemoveLeftovers(string folder)
    {
        foreach (string leftover in Directory.EnumerateFiles(folder, ".*" + TemporaryExtension))
        {
            File.Delete(leftover);
        }
    }

    /// <summary>The one sentence for the user when writing <paramref name="path"/> failed with <paramref name="failure"/>.</summary>
    public static UserMistakeException Explain(string path, Exception failure)
    {
        const int NoSpace = 28, QuotaExceeded = 122, ReadOnlyFileSystem = 30, WindowsDiskFull = unchecked((int)0x80070070);
        string sentence = failure switch
        {
            UnauthorizedAccessException when Directory.Exists(path) => $"'{path}' is a folder, so no file can be written there; name a file.",
            UnauthorizedAccessException =>
                $"'{path}' cannot be written because its folder or the file is read-only; grant access or choose another folder.",
            DirectoryNotFoundException or FileNotFoundException =>
                $"'{path}' cannot be written because its folder does not exist; create it or choose another.",
            { HResult: NoSpace or QuotaExceeded or WindowsDiskFull } =>
                $"'{path}' cannot be written because the disk is full; free some space and run again.",
            { HResult: ReadOnlyFileSystem } => $"'{path}' cannot be written because its file system is read-only; choose another folder.",
            _ => $"'{path}' cannot be written ({failure.Message.TrimEnd('.')}); check the disk and the folder.",
        };
        return new UserMistakeException(sentence, failure);
    }

    private static bool IsDevice(string path) =>
        path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal);

    private static void Replace(string target, Action<Stream> write, IFileMedium medium)
    {
        string folder = Path.GetDirectoryName(target) ?? throw new UnauthorizedAccessException();
        if (Directory.Exists(target))
        {
            throw new UnauthorizedAccessException();
        }

        string temporary = Path.Combine(folder, $".{Guid.NewGuid():N}{TemporaryExtension}");
        bool renamed = false;
        try
        {
            using (Stream stream = medium.Open(temporary, FileMode.CreateNew))
            {
                write(stream);
                medium.Persist(stream);
            }

            medium.Rename(temporary, target);
            renamed = true;
            medium.PersistFolder(folder);
        }
        finally
        {
            if (!renamed)
            {
                Discard(temporary);
            }
        }
    }

    private static void Discard(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The folder is gone or read-only. The first failure says so to the user already.
        }
    }
}
