using System.Runtime.InteropServices;

namespace GumbelGan.Storage;

/// <summary>The machine's own file system.</summary>
public sealed partial class DiskMedium : IFileMedium
{
    private const int OpenReadOnly = 0;

    private DiskMedium()
    {
    }

    /// <summary>The only instance.</summary>
    public static DiskMedium Instance { get; } = new();

    /// <inheritdoc/>
    public Stream Open(string path, FileMode mode) => new FileStream(path, mode, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);

    /// <inheritdoc/>
    public void Persist(Stream stream)
    {
        if (stream is FileStream file)
        {
            file.Flush(flushToDisk: true);
        }
        else
        {
            stream.Flush();
        }
    }

    /// <inheritdoc/>
    public void Rename(string source, string target)
    {
        if (Directory.Exists(source))
        {
            Directory.Move(source, target);
        }
        else
        {
            File.Move(source, target, overwrite: true);
        }
    }

    /// <inheritdoc/>
    public void PersistFolder(string folder)
    {
        // A rename is durable only once the folder that holds the name is; .NET opens no folders, and Windows needs none of this.
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = OpenDescriptor(folder, OpenReadOnly);
        if (descriptor < 0)
        {
            throw new IOException($"The folder '{folder}' cannot be opened (error {Marshal.GetLastPInvokeError()}).");
        }

        try
        {
            // Some network file systems cannot flush folders and answer EINVAL: nothing more can be done there.
            const int InvalidArgument = 22;
            if (FlushDescriptor(descriptor) != 0 && Marshal.GetLastPInvokeError() is var error && error != InvalidArgument)
            {
                throw new IOException($"The folder '{folder}' cannot be flushed to the disk (error {error}).");
            }
        }
        finally
        {
            _ = CloseDescriptor(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FlushDescriptor(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseDescriptor(int descriptor);
}
