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
    public static RunLock Take(string folder) => TryTake(Path.Combine(folder, FileName))
        ?? throw new UserMistakeException($"Another process is training the run in {folder}; wait until it has ended, or stop it.");

    /// <summary>Locks a file, which is made where it does not exist.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Null where another process has it.</returns>
    /// <exception cref="UserMistakeException">It cannot be written.</exception>
    public static RunLock? TryTake(string path)
    {
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
            catch (IOException)
            {
                // A program that lists runs takes the lock for an instant, to see whether it is free; so try for a while.
                if (TimeProvider.System.GetUtcNow().UtcDateTime > end)
                {
                    return null;
                }

                Thread.Sleep(_pause);
            }
        }
    }

    /// <summary>Whether a process is training into <paramref name="folder"/> at this moment.</summary>
    public static bool IsHeld(string folder) => IsFileHeld(Path.Combine(folder, FileName));

    /// <summary>Whether a process has locked the file at <paramref name="path"/>.</summary>
    public static bool IsFileHeld(string path)
    {
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
