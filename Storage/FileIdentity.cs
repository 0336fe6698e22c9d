using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace GumbelGan.Storage;

/// <summary>Whether two paths lead to one file, whatever links lie between.</summary>
public static partial class FileIdentity
{
    private const int CurrentFolder = -100, NumberMask = 0x100, StatusBytes = 256;

    /// <summary>
    /// Whether writing <paramref name="output"/> would replace <paramref name="input"/> or, where that is a folder, a file that lies in it. Hard and
    /// symbolic links are followed; where nothing exists at <paramref name="output"/>, nothing is replaced.
    /// </summary>
    public static bool WouldReplace(string output, string input)
    {
        if (output.Length == 0 || input.Length == 0)
        {
            return false;
        }

        if (Directory.Exists(input))
        {
            return File.Exists(output)
                && Resolved(output)
                    .StartsWith(Path.TrimEndingDirectorySeparator(Resolved(input)) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
        }

        return File.Exists(output) && File.Exists(input) && (Resolved(output) == Resolved(input)
            || (Number(output) is { } number && number == Number(input)));
    }

    /// <summary>The path without symbolic links on the way.</summary>
    public static string Resolved(string path)
    {
        string full = Path.GetFullPath(path), resolved = Path.GetPathRoot(full)!;
        foreach (string part in full[resolved.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            resolved = Path.Combine(resolved, part);
            FileSystemInfo link = Directory.Exists(resolved) ? new DirectoryInfo(resolved) : new FileInfo(resolved);
            if (link.LinkTarget is not null && link.ResolveLinkTarget(returnFinalTarget: true) is { } target)
            {
                resolved = target.FullName == resolved ? resolved : Resolved(target.FullName);
            }
        }

        return resolved;
    }

    // Device and inode, which two names of one file share. Linux tells both in one layout on every processor; elsewhere only paths are compared.
    private static (uint Major, uint Minor, ulong Inode)? Number(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        byte[] status = new byte[StatusBytes];
        return Status(CurrentFolder, path, 0, NumberMask, status) != 0
            ? null
            : (BinaryPrimitives.ReadUInt32LittleEndian(status.AsSpan(136)), BinaryPrimitives.ReadUInt32LittleEndian(status.AsSpan(140)),
                BinaryPrimitives.ReadUInt64LittleEndian(status.AsSpan(32)));
    }

    // statx(2): the inode stands at byte 32, the device's two numbers at 136 and 140.
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int folder, string path, int flags, uint mask, [Out] byte[] status);
}
