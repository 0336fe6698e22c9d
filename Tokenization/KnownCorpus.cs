using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>A public corpus file whose bytes are known, so that numbers on it compare with other people's.</summary>
/// <param name="Name">The file name under corpora/.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">SHA-256 of its bytes, lower-case hexadecimal.</param>
/// <param name="Description">What it is.</param>
public sealed record KnownCorpus(string Name, long Bytes, string Sha256, string Description)
{
    /// <summary>Every file that can be checked.</summary>
    public static IReadOnlyList<KnownCorpus> All { get; } =
    [
        new("image_coco.txt", 546_442, "2c0fd1f0f43aac6a9dc3926a535516ccf395de535e15ac1fd17cd569420736f5", "Texygen's COCO captions, training file"),
        new("image_coco_test.txt", 536_184, "72e25c9fb4d2cd43182ac602c92f6ffc377762147f9709572943b0b09174bcae", "Texygen's COCO captions, test file"),
        new("brown.txt", 6_109_448, "a3be1ea4bf6974fe76499c40bd7ba3f68e774b0024a9fd8dfc01d688c118a69a", "the Brown corpus as make corpora writes it"),
    ];

    /// <summary>The known corpus that the file at <paramref name="path"/> is, by name and by content.</summary>
    /// <exception cref="UserMistakeException">No file of this name is known, or the content differs from the known one.</exception>
    public static KnownCorpus Verify(string path, long bytes, string sha256)
    {
        string name = Path.GetFileName(path);
        KnownCorpus known = All.FirstOrDefault(corpus => corpus.Name == name)
            ?? throw new UserMistakeException(
                $"No checksum is known for a file called {name}; known are {string.Join(", ", All.Select(corpus => corpus.Name))} (see "
                    + "corpora/README.md).");
        return known.Bytes == bytes && known.Sha256 == sha256
            ? known
            : throw new UserMistakeException(
                $"{path} is not {known.Description}: it has {bytes} bytes and SHA-256 {sha256}, not {known.Bytes} and {known.Sha256}; bring it "
                    + "again as corpora/README.md says.");
    }
}
