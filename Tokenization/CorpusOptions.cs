using System.Globalization;
using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>How a sequence ends.</summary>
public enum SequenceEnd
{
    /// <summary>By an end token, which is learned and generated as any other.</summary>
    Token,

    /// <summary>It does not: all sequences have the same number of tokens.</summary>
    None,
}

/// <summary>What is held out.</summary>
public enum SplitKind
{
    /// <summary>Distinct lines: no line of training is held out as well.</summary>
    Lines,

    /// <summary>Occurrences: a line that comes often is in every split, so that each has the corpus' own distribution.</summary>
    Occurrences,
}

/// <summary>Which lines of a corpus are used, and for what.</summary>
public sealed record CorpusOptions
{
    private const double DefaultFraction = 0.05;

    /// <summary>How a sequence ends: by a token, or none; then all have the same length, which minimum_tokens and maximum_tokens both give.</summary>
    public SequenceEnd End { get; init; } = SequenceEnd.Token;

    /// <summary>The oracle that the corpus was drawn from, a file or a seed: adds the likelihood of samples under it (nll/oracle).</summary>
    public string Oracle { get; init; } = "";

    /// <summary>The grammar file that the corpus was drawn from: adds validity and the Jensen-Shannon divergence to every evaluation.</summary>
    public string Grammar { get; init; } = "";

    /// <summary>A file of its own for validation, read as the corpus is; no line of the corpus is held out for it then.</summary>
    public string Validation { get; init; } = "";

    /// <summary>A file of its own for the final test, read as the corpus is; no line of the corpus is held out for it then.</summary>
    public string Test { get; init; } = "";

    /// <summary>Lines with fewer tokens are dropped (and counted).</summary>
    public int MinimumTokens { get; init; } = 1;

    /// <summary>Lines with more tokens are dropped (and counted); the end token is not counted.</summary>
    public int MaximumTokens { get; init; } = 40;

    /// <summary>
    /// lines (no line of training is held out as well) or occurrences (each line by itself: what a small language needs, where a few lines hold much
    /// of the probability).
    /// </summary>
    public SplitKind Split { get; init; } = SplitKind.Lines;

    /// <summary>The share of distinct lines, or of occurrences, held out for validation.</summary>
    public double ValidationFraction { get; init; } = DefaultFraction;

    /// <summary>The same for the final test.</summary>
    public double TestFraction { get; init; } = DefaultFraction;

    /// <summary>Chooses another split of the same sizes.</summary>
    public long SplitSeed { get; init; }

    internal double ValidationShare => Validation.Length > 0 ? 0 : ValidationFraction;

    internal double TestShare => Test.Length > 0 ? 0 : TestFraction;

    /// <summary>The files beside the corpus, with what their lines are used for.</summary>
    internal IEnumerable<(CorpusSplit Split, string Path)> HeldOutFiles
    {
        get
        {
            if (Validation.Length > 0)
            {
                yield return (CorpusSplit.Validation, Validation);
            }

            if (Test.Length > 0)
            {
                yield return (CorpusSplit.Test, Test);
            }
        }
    }

    /// <summary>The same with files that another working directory finds too.</summary>
    public CorpusOptions WithFullPaths() =>
        this with
        {
            Validation = Full(Validation),
            Test = Full(Test),
            Grammar = Full(Grammar),
            Oracle = ulong.TryParse(Oracle, out _) ? Oracle : Full(Oracle),
        };

    /// <summary>Refuses values that make no sense.</summary>
    /// <exception cref="UserMistakeException">A value is out of range.</exception>
    public void Validate()
    {
        if (MinimumTokens < 1 || MaximumTokens < MinimumTokens || MaximumTokens > SequenceSet.LongestSequence - 1)
        {
            throw new UserMistakeException(
                $"The corpus keeps lines of {MinimumTokens} to {MaximumTokens} tokens; the bounds must satisfy 1 <= minimum <= maximum "
                    + $"<= {SequenceSet.LongestSequence - 1}.");
        }

        if (!(ValidationFraction >= 0 && TestFraction >= 0 && ValidationFraction + TestFraction < 1))
        {
            throw new UserMistakeException(string.Create(
                CultureInfo.InvariantCulture,
                $"The corpus holds out {ValidationFraction} for validation and {TestFraction} for test; both must be at least 0 and their sum "
                    + $"below 1."));
        }

        if (End == SequenceEnd.None && MinimumTokens != MaximumTokens)
        {
            throw new UserMistakeException($"data.end is none, so all sequences have one length, but data.minimum_tokens is {MinimumTokens} and "
                + $"data.maximum_tokens {MaximumTokens}; set both to that length.");
        }

        RefuseBoth("validation", Validation, ValidationFraction);
        RefuseBoth("test", Test, TestFraction);
        if (Validation.Length > 0 && Full(Validation) == Full(Test))
        {
            throw new UserMistakeException($"data.validation and data.test both name {Test}; a checkpoint chosen on the test lines is not tested by "
                + "them, so name two files.");
        }
    }

    // The default fraction counts as not set.
    private static void RefuseBoth(string name, string file, double fraction)
    {
        if (file.Length > 0 && fraction is not (0 or DefaultFraction))
        {
            throw new UserMistakeException(string.Create(CultureInfo.InvariantCulture, $"data.{name} names a file of its own, {file}, and "
                + $"data.{name}_fraction holds out {fraction} of the corpus; give one of them."));
        }
    }

    private static string Full(string path) => path.Length == 0 ? path : Path.GetFullPath(path);
}
