using System.Globalization;
using System.Text.Json.Nodes;
using GumbelGan.Tokenization;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Printing;

/// <summary>What <c>gumbelgan score</c> found.</summary>
internal static class ScoreTable
{
    private const double LongestInFull = 1e7;

    public static JsonObject Document(TextScore score)
    {
        JsonObject total = Numbers(score.Total);
        total["nats_per_sequence"] = Finite(score.Total.Nats / score.Lines.Count);
        total["sequences"] = score.Lines.Count;
        return new JsonObject
        {
            ["step"] = score.Step,
            ["total"] = total,
            ["unknown_tokens"] = score.Text.UnknownTokens,
            ["left_out"] = new JsonObject
            {
                ["empty"] = score.Text.EmptyLines,
                ["too_short"] = score.Text.TooShortLines,
                ["too_long"] = score.Text.TooLongLines,
            },
            ["lines"] = new JsonArray([.. score.Lines.Select(line =>
            {
                JsonObject numbers = Numbers(line);
                numbers.Insert(0, "line", line.Number);
                numbers["text"] = line.Text;
                return (JsonNode)numbers;
            })]),
        };
    }

    public static void Write(TextScore score, TableWriter writer)
    {
        writer.Write(
        [
            ["line", "text", "tokens", "nats", "nats a token", "perplexity"],
            .. score.Lines.Select(line => (string[])
                [Whole(line.Number), line.Text, Whole(line.Tokens), Number(line.Nats), Number(line.NatsPerToken), Number(line.Perplexity)]),
        ], numbersFrom: 2);
        writer.WriteLine();
        EncodedText text = score.Text;
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"In all, at step {score.Step}: {score.Total.NatsPerToken:F4} nats a token, "
            + $"perplexity {score.Total.Perplexity:F4}, {score.Total.Nats / score.Lines.Count:F4} nats a sequence ({score.Lines.Count} sequences, "
            + $"{score.Total.Tokens} tokens)."));
        if (text.EmptyLines + text.TooShortLines + text.TooLongLines > 0)
        {
            writer.WriteLine($"Left out of {text.Lines} lines, as from the run's corpus: {text.EmptyLines} empty, {text.TooShortLines} too short, "
                + $"{text.TooLongLines} too long.");
        }

        if (text.UnknownTokens > 0)
        {
            writer.WriteLine($"{text.UnknownTokens} tokens are not in the run's vocabulary; each counts as the unknown token.");
        }
    }

    private static JsonObject Numbers(ScoredLine line) => new()
    {
        ["tokens"] = line.Tokens,
        ["nats"] = Finite(line.Nats),
        ["nats_per_token"] = Finite(line.NatsPerToken),
        ["perplexity"] = Finite(line.Perplexity),
    };

    private static JsonValue? Finite(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    private static string Whole(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString(value < LongestInFull ? "F4" : "0.000e+0", CultureInfo.InvariantCulture);
}
