using System.Globalization;
using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>Which lines of a corpus are used, and for what.</summary>
public sealed record CorpusOptions
{
    /// <summary>Lines with fewer tokens are dropped (and counted).</summary>
    public int MinimumTokens { get; init; } = 1;

    /// <summary>Lines with more tokens are dropped (and counted); the end token is not counted.</summary>
    public int MaximumTokens { get; init; } = 40;

    /// <summary>The share of distinct lines held out for validation.</summary>
    public double ValidationFraction { get; init; } = 0.05;

    /// <summary>The share of distinct lines held out for the final test.</summary>
    public double TestFraction { get; init; } = 0.05;

    /// <summary>Chooses another split of the same sizes.</summary>
    public long SplitSeed { get; init; }

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
    }
}
