using System.Globalization;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Storage;

namespace GumbelGan.Laboratory;

/// <summary>The settings in which estimators are measured against the exact gradient: every combination of the lists.</summary>
public sealed record GradientSweepOptions
{
    /// <summary>V, the number of tokens that can be generated.</summary>
    public IReadOnlyList<int> Vocabularies { get; init; } = [6];

    /// <summary>T, the length of the longest sequence in tokens.</summary>
    public IReadOnlyList<int> Lengths { get; init; } = [6];

    /// <summary>What the generator's logits are multiplied by: 1 leaves a fresh generator as it is, nearly uniform.</summary>
    public IReadOnlyList<double> LogitScales { get; init; } = [4];

    /// <summary>How steep the reward is; see <see cref="Reward"/>.</summary>
    public IReadOnlyList<double> Sharpnesses { get; init; } = [1];

    /// <summary>The temperatures of the relaxations.</summary>
    public IReadOnlyList<double> Temperatures { get; init; } = [0.25, 0.5, 1, 2];

    /// <summary>What the generator reads back in relaxed roll-outs.</summary>
    public IReadOnlyList<Feedback> Feedbacks { get; init; } = [Feedback.Relaxed];

    /// <summary>Whether one of the V tokens ends a sequence; else all have T tokens.</summary>
    public bool Ends { get; init; }

    /// <summary>Width of both networks' embeddings.</summary>
    public int Embedding { get; init; } = 8;

    /// <summary>Hidden units of both networks.</summary>
    public int Hidden { get; init; } = 8;

    /// <summary>The kind of discriminator.</summary>
    public DiscriminatorKind Discriminator { get; init; } = DiscriminatorKind.All[0];

    /// <summary>How often noise is drawn for each sequence, for estimators of hard samples that depend on it.</summary>
    public int Draws { get; init; } = 4;

    /// <summary>How many soft samples are drawn for each estimator.</summary>
    public int Samples { get; init; } = 16384;

    /// <summary>Sequences of a batch that is timed.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Keys weights and noise.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Threads; 0 for one a core.</summary>
    public int Threads { get; init; }

    /// <summary>Refuses values out of range.</summary>
    /// <exception cref="UserMistakeException">A number is out of range.</exception>
    public void Check()
    {
        Require(Vocabularies, "--vocab", value => value >= 2, "at least 2");
        Require(Lengths, "--length", value => value >= 1, "at least 1");
        Require(LogitScales, "--logit-scale", value => value is > 0 and <= 1e3, "above 0 and at most 1000");
        Require(Sharpnesses, "--sharpness", value => value is >= 0 and <= 1e3, "from 0 to 1000");
        Require(Temperatures, "--temperatures", value => value is >= 0.01 and <= 100, "from 0.01 to 100");
        Require([Embedding], "--embedding", value => value is >= 1 and <= 256, "from 1 to 256");
        Require([Hidden], "--hidden", value => value is >= 1 and <= 256, "from 1 to 256");
        Require([Draws], "--draws", value => value is >= 2 and <= 1024, "from 2 to 1024, since standard errors come from their differences");
        Require([Samples], "--samples", value => value is >= 64 and <= 1 << 28, "at least 64");
        Require([Batch], "--batch", value => value is >= 2 and <= 65536, "from 2 to 65536");
        Require([Threads], "--threads", value => value is >= 0 and <= 1024, "from 0 to 1024");
    }

    internal static void Require<T>(IReadOnlyList<T> values, string option, Func<T, bool> fits, string range)
        where T : IFormattable
    {
        if (values.Count == 0)
        {
            throw new UserMistakeException($"{option} is empty; give one number, or several separated by commas.");
        }

        foreach (T value in values.Where(value => !fits(value)))
        {
            throw new UserMistakeException($"{option} is {value.ToString(null, CultureInfo.InvariantCulture)}; it must be {range}.");
        }
    }
}
