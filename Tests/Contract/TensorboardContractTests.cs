using System.Text;
using GumbelGan.Tests.Recording;
using GumbelGan.Tests.Storage;
using GumbelGan.Training.Recording;
using TorchSharp.Modules;
using TorchSharp.Utils.tensorboard.Enums;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Contract;

/// <summary>What TorchSharp's SummaryWriter means, under both builds, as an independent reader of its files sees it.</summary>
public sealed class TensorboardContractTests
{
    [Fact]
    public void Scalars_and_text_are_found_at_their_steps_and_times()
    {
        using var folder = new TemporaryFolder();
        SummaryWriter writer = utils.tensorboard.SummaryWriter(folder.Path, filename_suffix: "suffix");
        writer.add_scalar("loss", 0.25f, 3, walltime: 1_700_000_000);
        writer.add_scalar("loss", float.NaN, 4);
        writer.add_text("samples", "a **b** ü", 5, walltime: 1_700_000_001);

        Assert.Equal(folder.Path, writer.LogDir);
        string path = Assert.Single(Directory.GetFiles(folder.Path));
        Assert.StartsWith("events.out.tfevents.", Path.GetFileName(path), StringComparison.Ordinal);
        Assert.EndsWith(".suffix", path, StringComparison.Ordinal);
        List<EventRecord> events = EventReader.Read(path);
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        Assert.Equal([3L, 4L, 5L], events.Skip(1).Select(record => record.Step));
        Assert.Equal([0.25f, float.NaN], events[1..3].Select(record => Assert.Single(record.Values).Scalar!.Value));
        Assert.Equal(1_700_000_000, events[1].WallTime);
        Assert.InRange(events[2].WallTime, 1_700_000_000, 10_000_000_000); // seconds since 1970, not ticks
        EventValue text = Assert.Single(events[3].Values);
        Assert.Equal(("samples/text_summary", "text"), (text.Tag, text.Plugin));
        Assert.Equal(7, text.Tensor!.Type);
        Assert.Equal([1L], text.Tensor.Shape);
        Assert.Equal("a **b** ü", Encoding.UTF8.GetString(Assert.Single(text.Tensor.Strings)));
    }

    [Fact]
    public void Each_series_of_add_scalars_has_a_folder_of_its_own_and_the_main_tag()
    {
        using var folder = new TemporaryFolder();
        SummaryWriter writer = utils.tensorboard.SummaryWriter(folder.Path);
        writer.add_scalars("score", new Dictionary<string, float> { ["real"] = 1, ["fake"] = -1 }, 1);
        writer.add_scalars("score", [("real", 2f), ("fake", -2f)], 2);
        foreach ((string series, float sign) in new[] { ("real", 1f), ("fake", -1f) })
        {
            List<EventRecord> events = EventReader.ReadFolder(folder[$"score_{series}"]);
            Assert.Equal([(1L, "score", sign), (2L, "score", 2 * sign)], events.Skip(1).Select(record => (record.Step, record.Values[0].Tag, record.Values[0].Scalar!.Value)));
        }
    }

    [Fact]
    public void A_run_name_is_made_inside_the_folder_only_if_asked_for()
    {
        using var folder = new TemporaryFolder();
        SummaryWriter named = utils.tensorboard.SummaryWriter(folder.Path, createRunName: true);
        Assert.Equal(folder.Path, Path.GetDirectoryName(named.LogDir));
        Assert.Single(Directory.GetFiles(named.LogDir));
    }

    [Fact]
    public void A_histogram_by_default_has_the_same_buckets_as_the_recorder_gives()
    {
        using var folder = new TemporaryFolder();
        float[] values = [-3.5f, -1e-6f, 0f, 0.02f, 0.021f, 1f, 7.25f];
        utils.tensorboard.SummaryWriter(folder["theirs"]).add_histogram("weights", tensor(values).reshape(7, 1), 9);
        Directory.CreateDirectory(folder["ours"]);
        using (var recorder = RunRecorder.Start(folder["ours"]))
        {
            recorder.Histogram("weights", 9, values);
        }

        EventRecord theirs = EventReader.ReadFolder(folder["theirs"])[1];
        EventRecord ours = EventReader.ReadFolder(folder["ours"])[1];
        Assert.Equal((9L, "weights"), (theirs.Step, theirs.Values[0].Tag));
        EventHistogram histogram = theirs.Values[0].Histogram!;
        Assert.Equal(ours.Values[0].Histogram!.Limits, histogram.Limits);
        Assert.Equal(ours.Values[0].Histogram!.Counts, histogram.Counts);
        Assert.Equal((-3.5, 7.25, 7.0), (histogram.Minimum, histogram.Maximum, histogram.Number));
        Assert.Equal(values.Sum(value => (double)value), histogram.Sum, 12);
        Assert.Equal(values.Sum(value => (double)value * value), histogram.SumOfSquares, 12);
    }

    /// <summary>Numbers of bins by numpy 1.24 (numpy.histogram_bin_edges) for the squares of 0..49.</summary>
    [Theory]
    [InlineData(HistogramBinSelector.Sqrt, 8)]
    [InlineData(HistogramBinSelector.Sturges, 7)]
    [InlineData(HistogramBinSelector.Rice, 8)]
    [InlineData(HistogramBinSelector.Scott, 4)]
    [InlineData(HistogramBinSelector.Doane, 9)]
    [InlineData(HistogramBinSelector.Stone, 6)]
    public void Equal_bins_are_as_many_as_numpy_makes(HistogramBinSelector selector, int bins)
    {
        using var folder = new TemporaryFolder();
        double[] values = [.. Enumerable.Range(0, 50).Select(number => (double)(number * number))];
        utils.tensorboard.SummaryWriter(folder.Path).add_histogram("squares", tensor(values), 0, selector);
        EventHistogram histogram = EventReader.ReadFolder(folder.Path)[1].Values[0].Histogram!;
        Assert.Equal(bins, histogram.Counts.Length - 1); // one empty bucket goes first
        Assert.Equal(50, histogram.Counts.Sum());
        Assert.Equal(2401, histogram.Limits[^1]);
    }

    [Fact]
    public void At_most_about_max_bins_are_left_and_no_element_is_lost()
    {
        using var folder = new TemporaryFolder();
        double[] values = [.. Enumerable.Range(0, 100).Select(number => (double)number)];
        utils.tensorboard.SummaryWriter(folder.Path).add_histogram("numbers", tensor(values), 0, HistogramBinSelector.Sqrt, max_bins: 4);
        EventHistogram histogram = EventReader.ReadFolder(folder.Path)[1].Values[0].Histogram!;
        // Ten bins of ten numbers in pairs.
        Assert.Equal([0.0, 20, 20, 20, 20, 20], histogram.Counts);
    }
}
