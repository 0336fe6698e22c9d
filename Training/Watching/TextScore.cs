using GumbelGan.Evaluation;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Runs;

namespace GumbelGan.Training.Watching;

/// <summary>How likely a generator finds a text: what <see cref="HeldOutLikelihood"/> says of test text, of any text and each line.</summary>
/// <param name="Step">Of the checkpoint.</param>
/// <param name="Text">What was read and left out.</param>
/// <param name="Lines">Each line that was scored, in file order.</param>
public sealed record TextScore(long Step, EncodedText Text, IReadOnlyList<ScoredLine> Lines)
{
    /// <summary>The total.</summary>
    public ScoredLine Total { get; } = new(0, "", Text.Sequences.Tokens, Lines.Sum(line => line.Nats));

    /// <summary>Scores the lines of a file.</summary>
    /// <exception cref="UserMistakeException">The file cannot be read, or has no line such as the run's corpus has.</exception>
    public static TextScore Of(ChosenGenerator chosen, string path)
    {
        var text = EncodedText.Read(path, chosen.Tokenizer, chosen.Config.Data);
        double[] nats = HeldOutLikelihood.OfEach(chosen.Generator, text.Sequences);
        return new TextScore(chosen.Step, text, [.. nats.Select((of, i) => new ScoredLine(
            text.LineNumbers[i], SequenceLine.Of(chosen.Tokenizer.Decode(text.Sequences[i])), text.Sequences.LengthOf(i), of))]);
    }
}

/// <summary>One line.</summary>
/// <param name="Number">In the file, from 1.</param>
/// <param name="Text">As the run's tokenizer gives it back: what it does not know reads U+FFFD.</param>
/// <param name="Tokens">How many, the end token counted.</param>
/// <param name="Nats">Minus the logarithm of its probability.</param>
public sealed record ScoredLine(long Number, string Text, long Tokens, double Nats)
{
    /// <summary>Mean over its tokens.</summary>
    public double NatsPerToken => Nats / Tokens;

    /// <summary>Among how many equally likely tokens one would be as surprised.</summary>
    public double Perplexity => Math.Exp(NatsPerToken);
}
