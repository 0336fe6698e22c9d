using System.Security.Cryptography;
using System.Text;
using GumbelGan.Storage;
using GumbelGan.Tokenization;

namespace GumbelGan.Training.Runs;

/// <summary>The tokenizer of a run, known by its content: with another one every id would mean something else.</summary>
public static class RunTokenizer
{
    /// <summary>Reads it.</summary>
    /// <exception cref="UserMistakeException">It is damaged, or not the one that the run was trained with.</exception>
    public static TextTokenizer Load(RunFolder folder)
    {
        var tokenizer = TextTokenizer.Load(folder.Tokenizer);
        if (File.Exists(folder.Environment))
        {
            RunEnvironment begun = RunEnvironment.Read(folder.Environment);
            // Earlier versions knew the vocabulary alone.
            if (begun.TokenizerSha256 is { } hash ? hash != Sha256Of(folder) : begun.VocabularySha256 != tokenizer.VocabularySha256)
            {
                throw new UserMistakeException(
                    $"The tokenizer in {folder.Tokenizer} is not the one that the run was trained with; put that one back, or train the run again.");
            }
        }

        return tokenizer;
    }

    /// <summary>SHA-256 of all its files, lower-case hexadecimal.</summary>
    internal static string Sha256Of(RunFolder folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in TextTokenizer.FileNames.Select(name => Path.Combine(folder.Tokenizer, name)).Where(File.Exists))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(path)));
            hash.AppendData(File.ReadAllBytes(path));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
