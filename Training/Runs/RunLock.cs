using GumbelGan.Storage;

namespace GumbelGan.Training.Runs;

/// <summary>
/// One process trains into a run's folder, and no other: the operating system's lock on a file in it, which ends with its owner, however
/// that ends.
/// </summary>
public sealed class RunLock : IDisposable
{
    /// <summary>The locked file. It is never deleted, since deleting a lock file is a race; that it exists means nothing.</summary>
    public const string FileName = "lock";

    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(300), _pause = TimeSpan.FromMilliseconds(10);

    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Locks the run in <paramref name="folder"/>, which exists.</summary>
    /// <exception cref="UserMistakeException">Another process trains into it, or the folder cannot be written.</exception>
    public static RunLock Take(string folder)
    {
        string path = Path.Combine(folder, FileName);
        for (DateTime end = TimeProvider.System.GetUtcNow().UtcDateTime + _patience; ;)
        {
            try
            {
                return new RunLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (Exception failure) when (failure is UnauthorizedAccessException || (failure is IOException && !IsTaken(failure)))
            {
                throw AtomicFile.Explain(path, failure);
            }
            catch (IOException failure)
            {
                // A program that lists runs takes the lock for an instant, to see whether it is free; so try for a while.
                if (TimeProvider.System.GetUtcNow().UtcDateTime > end)
                {
                    throw new UserMistakeException($"Another process is training the run in {folder}; wait until it has ended, or stop it.", failure);
                }

                Thread.Sleep(_pause);
            }
        }
    }

    /// <summary>Whether a process is training into <paramref name="folder"/> at this moment.</summary>
    public static bool IsHeld(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            using var probe = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return IsTaken(failure);
        }
    }

    /// <summary>Gives the run free.</summary>
    public void Dispose() => _file.Dispose();

    private static bool IsTaken(Exception failure)
    {
        const int WouldBlockOnLinux = 11, WouldBlockOnMacOs = 35, SharingViolation = unchecked((int)0x80070020);
        return failure.HResult is WouldBlockOnLinux or WouldBlockOnMacOs or SharingViolation;
    }
}
