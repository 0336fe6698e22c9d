using System.Text;
using GumbelGan.Storage;
using Xunit;

namespace GumbelGan.Tests.Training.Recording;

/// <summary>What a whole run leaves for TensorBoard, read by the independent reader.</summary>
public sealed class RecordedRunTests
{
    /// <summary>The tags that docs/tensorboard.md explains.</summary>
    private static readonly string[] _charts =
    [
        "loss/mle", "loss/generator", "loss/discriminator", "score/real", "score/fake", "temperature", "gradient_norm/generator",
            "gradient_norm/discriminator",
        "nll/validation", "nll/test", "bleu/2", "bleu/3", "bleu/4", "bleu/5", "self_bleu/2", "self_bleu/3", "self_bleu/4", "self_bleu/5",
        "diversity/unique_ngrams/2", "diversity/duplicates", "diversity/token_entropy", "auc/soft", "auc/argmax", "auc/hard",
            "speed/sequences_per_second",
    ];

    [Fact]
    public void A_run_records_every_standard_chart_text_histogram_and_table_with_a_description()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=gumbel"));
        List<EventRecord> events = EventReader.ReadFolder(run.Run);
        ILookup<string, (EventRecord Record, EventValue Value)> byTag = events.SelectMany(record => record.Values.Select(value => (record, value)))
            .ToLookup(pair => pair.value.Tag);

        Assert.All(_charts, tag => Assert.NotEmpty(byTag[tag]));
        Assert.Empty(byTag.Select(tag => tag.Key).Where(tag => byTag[tag].First().Value.Scalar is not null && byTag[tag]
            .First().Value.Tensor is null && byTag[tag].First().Value.Histogram is null).Except(_charts));
        // TensorBoard keeps the first description of a tag; each kind of chart has one.
        Assert.All(byTag.Where(tag => !tag.Key.StartsWith("_hparams_", StringComparison.Ordinal) && tag.Key != "custom_scalars__config__"),
            tag => Assert.True(tag.First().Value.Description.Length > 0, tag.Key));
        Assert.Equal(3, byTag.Count(tag => tag.Key.StartsWith("_hparams_", StringComparison.Ordinal)));
        Assert.Single(byTag["custom_scalars__config__"]);
        Assert.NotEmpty(byTag["token_entropy"]);
        Assert.Contains(byTag, tag => tag.Key.StartsWith("weights/", StringComparison.Ordinal) && tag.First().Value.Histogram is { Number: > 0 });

        Assert.Contains("objective: gumbel", Text(byTag["config/text_summary"].Single().Value), StringComparison.Ordinal);
        (EventRecord last, EventValue table) = byTag["samples/text_summary"].Last();
        string[] lines = Text(table).Split('\n');
        Assert.StartsWith($"Step {last.Step}, sampling temperature 1", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("Generated:", lines[0], StringComparison.Ordinal);
        Assert.Equal(("", "```", "```", "Real, held out:"), (lines[1], lines[2], lines[7], lines[9]));
        Assert.Equal(4, lines[12..16].Count(line => line.StartsWith("a ", StringComparison.Ordinal)));

        // The charts that metrics.jsonl holds too hold the same numbers, in single precision.
        foreach (MetricsRecord record in MetricsJournal.Read(Path.Combine(run.Run, "metrics.jsonl")))
        {
            Assert.All(record.Scalars,
                scalar => Assert.Equal((float)scalar.Value, Assert.Single(byTag[scalar.Key], pair => pair.Record.Step == record.Step).Value.Scalar));
        }
    }

    private static string Text(EventValue value) => Encoding.UTF8.GetString(value.Tensor!.Strings.Single());
}
