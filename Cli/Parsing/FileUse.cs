namespace GumbelGan.Cli.Parsing;

/// <summary>What a command does with the file or folder that a word of its command line names.</summary>
internal enum FileUse
{
    /// <summary>The word names no file, or one that cannot come to harm.</summary>
    None,

    /// <summary>It is read; of a folder, any file in it may be.</summary>
    Read,

    /// <summary>It is written, and replaced where it exists.</summary>
    Write,
}
