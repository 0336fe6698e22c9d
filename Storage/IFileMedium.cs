namespace GumbelGan.Storage;

/// <summary>
/// The few operations by which files reach the disk. <see cref="DiskMedium"/> is the real one; a test puts another in its place to learn
/// what is left behind when any one of them fails.
/// </summary>
public interface IFileMedium
{
    /// <summary>Opens <paramref name="path"/> for writing; <paramref name="mode"/> is CreateNew or Append, or Open for a device.</summary>
    Stream Open(string path, FileMode mode);

    /// <summary>Returns when every byte written to <paramref name="stream"/> is on the disk itself, not merely with the operating system.</summary>
    void Persist(Stream stream);

    /// <summary>
    /// Gives <paramref name="source"/> the name <paramref name="target"/>, in one step; a file replaces a file of that name, a folder replaces
    /// nothing.
    /// </summary>
    void Rename(string source, string target);

    /// <summary>Returns when the names in <paramref name="folder"/> (creations, renames) are on the disk itself.</summary>
    void PersistFolder(string folder);
}
