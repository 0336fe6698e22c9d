using System.Globalization;
using System.Security.Cryptography;
using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Runs;

/// <summary>A run that another one begins with: its tokenizer, and the generator weights of one of its checkpoints.</summary>
/// <param name="Name">The run's full path and the checkpoint's own name, as "/runs/a:000500".</param>
/// <param name="Checkpoint">Which weights.</param>
/// <param name="Weights">Those that the run's evaluations measure and choose by.</param>
/// <param name="Tokenizer">The run's.</param>
internal sealed record RunOrigin(string Name, Checkpoint Checkpoint, GeneratorWeights Weights, TextTokenizer Tokenizer)
{
    // More unknown tokens than this are another language; fewer are words that the first corpus did not have.
    private const double LargestUnknownShare = 0.1;

    /// <summary>SHA-256 of the file with the weights, lower-case hexadecimal.</summary>
    public string WeightsSha256 => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Checkpoint.GeneratorFile(Weights))));

    /// <summary>The run that <paramref name="text"/> names: a folder, or a folder, a colon and a checkpoint; the best where none is named.</summary>
    /// <exception cref="UserMistakeException">There is no such run or no such checkpoint.</exception>
    public static RunOrigin Open(string text)
    {
        int colon = text.LastIndexOf(':');
        bool named = colon > 0 && RunFolder.NamesCheckpoint(text[(colon + 1)..]);
        RunFolder folder = RunFolder.Open(named ? text[..colon] : text);
        Checkpoint checkpoint = folder.Named(named ? text[(colon + 1)..] : "best");
        return new RunOrigin($"{Path.GetFullPath(folder.Path)}:{Path.GetFileName(checkpoint.Path)}", checkpoint,
            ConfigurationReader.Read<RunConfig>(folder.Configuration).Recording.Weights, RunTokenizer.Load(folder));
    }

    /// <summary>The origin's tokenizer options, which the new run takes over.</summary>
    /// <param name="asked">What the new run's configuration says; the defaults say nothing.</param>
    /// <exception cref="UserMistakeException">It asks for another tokenizer.</exception>
    public TokenizerOptions TokenizerFor(TokenizerOptions asked) =>
        asked == new TokenizerOptions() || asked.WhatTheKindReads() == Tokenizer.Options.WhatTheKindReads()
            ? Tokenizer.Options
            : throw new UserMistakeException($"The run begins with the weights and so with the tokenizer of {Name}, but its section 'tokenizer' asks "
                + "for another; leave that section out.");

    /// <summary>Refuses a corpus whose words the origin does not know.</summary>
    /// <exception cref="UserMistakeException">It is one.</exception>
    public void RefuseForeign(EncodedCorpus corpus)
    {
        SplitReport train = corpus.Report.Train;
        if (train.UnknownTokens > LargestUnknownShare * train.Tokens)
        {
            throw new UserMistakeException(string.Create(CultureInfo.InvariantCulture, $"The vocabulary of {Name} does not fit {corpus.Report.Path}: "
                + $"it lacks {(double)train.UnknownTokens / train.Tokens:P0} of the tokens for training; begin without --from."));
        }
    }

    /// <summary>Gives a generator the origin's weights.</summary>
    /// <exception cref="UserMistakeException">It has other sizes.</exception>
    public void LoadInto(IGenerator generator)
    {
        try
        {
            Checkpoint.LoadGenerator(generator, Weights);
        }
        catch (UserMistakeException cause)
        {
            throw new UserMistakeException($"{cause.Message.TrimEnd('.')}: set the section 'generator' as in {Name}.", cause);
        }
    }
}
