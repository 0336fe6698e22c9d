using System.Text;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Training.Recording;
using Xunit;

namespace GumbelGan.Tests.Training.Recording;

public sealed class RunRecorderTests
{
    [Fact]
    public void The_checksum_of_the_test_reader_gives_the_published_value()
    {
        // RFC 3720, appendix B.4: 32 bytes of zeros, and the check value of "123456789".
        Assert.Equal(0x8A9136AAu, EventReader.Checksum(new byte[32]));
        Assert.Equal(0xE3069283u, EventReader.Checksum("123456789"u8));
    }

    [Fact]
    public void Scalars_are_found_in_the_event_file_and_in_the_journal()
    {
        using var folder = new TemporaryFolder();
        var time = new ManualTime();
        using (var recorder = RunRecorder.Start(folder.Path, new RecorderOptions { Time = time }))
        {
            recorder.Scalars(10, "adversarial", [("loss/generator", 0.1), ("own/tag", double.NaN)]);
            recorder.Scalars(20, "adversarial", new Dictionary<string, double> { ["loss/generator"] = -2.5 });
        }

        List<EventRecord> events = EventReader.ReadFolder(folder.Path);
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        Assert.Equal([0L, 10L, 20L], events.Select(record => record.Step));
        Assert.All(events, record => Assert.Equal(1767323045.5, record.WallTime));
        Assert.Equal(["loss/generator", "own/tag"], events[1].Values.Select(value => value.Tag));
        Assert.Equal([0.1f, float.NaN], events[1].Values.Select(value => value.Scalar!.Value));
        Assert.Equal(-2.5f, Assert.Single(events[2].Values).Scalar);
        Assert.Equal(("scalars", 1L), (events[1].Values[0].Plugin, events[1].Values[0].DataClass)); // DATA_CLASS_SCALAR
        Assert.Equal(StandardTags.Descriptions["loss/generator"], events[1].Values[0].Description);
        Assert.Equal("", events[1].Values[1].Description);
        Assert.Null(events[2].Values[0].Plugin); // TensorBoard keeps the metadata of a tag's first value

        IReadOnlyList<MetricsRecord> journal = MetricsJournal.Read(folder["metrics.jsonl"]);
        Assert.Equal([10L, 20L], journal.Select(record => record.Step));
        Assert.Equal([0.1, double.NaN], journal[0].Scalars.Values);
    }

    [Fact]
    public void Text_is_stored_as_TorchSharp_and_PyTorch_store_it()
    {
        using var folder = new TemporaryFolder();
        using (var recorder = RunRecorder.Start(folder.Path))
        {
            recorder.Text("samples", 5, "| real | generated |\n|---|---|\n| ä | 語 |");
            recorder.Text("samples", 6, "");
        }

        List<EventRecord> events = EventReader.ReadFolder(folder.Path);
        EventValue value = Assert.Single(events[1].Values);
        Assert.Equal(5, events[1].Step);
        Assert.Equal("samples/text_summary", value.Tag);
        Assert.Equal(("text", 2L), (value.Plugin, value.DataClass)); // DATA_CLASS_TENSOR
        Assert.Equal(StandardTags.Descriptions["samples"], value.Description);
        Assert.Equal(7, value.Tensor!.Type); // DT_STRING
        Assert.Equal([1L], value.Tensor.Shape);
        Assert.Equal("| real | generated |\n|---|---|\n| ä | 語 |", Encoding.UTF8.GetString(Assert.Single(value.Tensor.Strings)));
        Assert.Empty(Assert.Single(events[2].Values[0].Tensor!.Strings));
    }

    [Fact]
    public void A_histogram_equals_a_count_bucket_by_bucket()
    {
        List<double> positive = [];
        for (double edge = 1e-12; edge < 1e20; edge *= 1.1)
        {
            positive.Add(edge);
        }

        double[] edges = [.. Enumerable.Reverse(positive).Select(edge => -edge), 0, .. positive];
        var stream = new RandomStream(new RandomKey(3));
        // No subnormals: a thread that trains takes them for zero, and threads that it starts inherit that.
        float[] values =
        [
            .. Enumerable.Range(0, 20_000).Select(_ => BitConverter.UInt32BitsToSingle(stream.NextUInt32()))
                .Where(value => Math.Abs(value) < positive[^1] && !float.IsSubnormal(value)),
            .. edges.SelectMany(edge => new[] { (float)edge, MathF.BitIncrement((float)edge), MathF.BitDecrement((float)edge) })
                .Where(value => Math.Abs(value) < positive[^1] && !float.IsSubnormal(value)),
            0f, -0f,
        ];
        double[] counts = new double[edges.Length - 1];
        foreach (float value in values)
        {
            counts[Enumerable.Range(0, counts.Length).Single(bin => edges[bin] <= value && value < edges[bin + 1])]++;
        }

        EventHistogram histogram = Record([.. values, float.NaN, float.PositiveInfinity, float.NegativeInfinity]);
        Assert.Equal(counts.Sum(), histogram.Number);
        Assert.Equal(values.Length, histogram.Number);
        Assert.Equal(values.Min(), histogram.Minimum);
        Assert.Equal(values.Max(), histogram.Maximum);
        Assert.Equal(values.Sum(value => (double)value), histogram.Sum, Math.Abs(histogram.Sum) * 1e-12);
        Assert.Equal(values.Sum(value => (double)value * value), histogram.SumOfSquares, histogram.SumOfSquares * 1e-12);
        int first = Array.FindIndex(counts, count => count > 0);
        int last = Array.FindLastIndex(counts, count => count > 0);
        int from = Math.Max(0, first - 1);
        Assert.Equal(edges[(from + 1)..(last + 2)], histogram.Limits);
        Assert.Equal(counts[from..(last + 1)], histogram.Counts);
    }

    [Fact]
    public void A_histogram_starts_with_one_empty_bucket_that_tells_where_the_next_begins()
    {
        EventHistogram histogram = Record([1f, 1f]);
        Assert.Equal([0.0, 2.0], histogram.Counts);
        Assert.InRange(histogram.Limits[0], 1 / 1.1, 1.0);
        Assert.Equal(1.1, histogram.Limits[1] / histogram.Limits[0], 12);
        Assert.Equal((1.0, 1.0, 2.0, 2.0, 2.0), (histogram.Minimum, histogram.Maximum, histogram.Number, histogram.Sum, histogram.SumOfSquares));
    }

    [Theory]
    [InlineData(new float[0], 0.0)]
    [InlineData(new[] { float.NaN, float.PositiveInfinity }, 0.0)]
    [InlineData(new[] { float.MaxValue, float.MinValue }, 2.0)]
    public void A_histogram_of_nothing_or_of_giants_can_be_drawn(float[] values, double number)
    {
        EventHistogram histogram = Record(values);
        Assert.Equal(number, histogram.Number);
        Assert.Equal(number, histogram.Counts.Sum());
        Assert.NotEmpty(histogram.Counts);
        Assert.Equal(histogram.Limits.Length, histogram.Counts.Length);
    }

    [Fact]
    public void Hyper_parameters_and_metrics_are_found_by_the_dashboards_field_numbers()
    {
        using var folder = new TemporaryFolder();
        using (var recorder = RunRecorder.Start(folder.Path, new RecorderOptions { Time = new ManualTime() }))
        {
            var configuration = new Dictionary<string,
                HyperParameterValue>
            { ["objective"] = "gumbel", ["hidden"] = 512, ["straight_through"] = false };
            recorder.HyperParameters(configuration, ["nll/test", "bleu/2"], "group of seeds");
            recorder.EndSession(SessionOutcome.Success);
        }

        EventValue[] values = [.. EventReader.ReadFolder(folder.Path).SelectMany(record => record.Values)];
        Assert.Equal(["_hparams_/experiment", "_hparams_/session_start_info", "_hparams_/session_end_info"], values.Select(value => value.Tag));
        Assert.All(values, value =>
        {
            Assert.Equal("hparams", value.Plugin);
            Assert.Equal(2, value.DataClass); // DATA_CLASS_TENSOR
            Assert.Equal(1, value.Tensor!.Type); // DT_FLOAT
            Assert.Equal([0L], value.Tensor.Shape);
        });

        Fields experiment = new Fields(values[0].PluginContent).Message(2)!;
        Assert.Equal(["hidden", "objective", "straight_through"], experiment.Messages(4).Select(parameter => parameter.Text(1)));
        Assert.Equal([3L, 1L, 2L], experiment.Messages(4).Select(parameter => parameter.Integer(4))); // number, text, truth value
        Assert.Equal(["nll/test", "bleu/2"], experiment.Messages(5).Select(metric => metric.Message(1)!.Text(2)));
        Assert.Equal(StandardTags.Descriptions["bleu/2"], experiment.Messages(5).Last().Text(4));

        Fields start = new Fields(values[1].PluginContent).Message(3)!;
        Dictionary<string, Fields> parameters = start.Messages(1).ToDictionary(entry => entry.Text(1)!, entry => entry.Message(2)!);
        Assert.Equal(512.0, parameters["hidden"].Double(2));
        Assert.Equal("gumbel", parameters["objective"].Text(3));
        Assert.Single(parameters["straight_through"].All(4));
        Assert.Equal(0, parameters["straight_through"].Integer(4));
        Assert.Equal("group of seeds", start.Text(4));
        Assert.Equal(1767323045.5, start.Double(5));

        Fields end = new Fields(values[2].PluginContent).Message(4)!;
        Assert.Equal(1, end.Integer(1)); // STATUS_SUCCESS
        Assert.Equal(1767323045.5, end.Double(2));
    }

    [Fact]
    public void The_layout_of_the_custom_scalars_page_is_found()
    {
        using var folder = new TemporaryFolder();
        using (var recorder = RunRecorder.Start(folder.Path))
        {
            recorder.CustomScalarLayout(StandardTags.Layout);
        }

        EventValue value = Assert.Single(EventReader.ReadFolder(folder.Path)[1].Values);
        Assert.Equal("custom_scalars__config__", value.Tag);
        Assert.Equal("custom_scalars", value.Plugin);
        Assert.Equal(7, value.Tensor!.Type);
        Assert.Empty(value.Tensor.Shape);
        var layout = new Fields(Assert.Single(value.Tensor.Strings));
        Assert.Equal(StandardTags.Layout.Categories.Select(category => category.Title), layout.Messages(2).Select(category => category.Text(1)));
        Fields losses = layout.Messages(2).First().Messages(2).First();
        Assert.Equal("Losses", losses.Text(1));
        Assert.Equal(["loss/generator", "loss/discriminator"], losses.Message(2)!.All(1).Select(Encoding.UTF8.GetString));
    }

    [Fact]
    public void Resuming_from_a_position_leaves_the_same_records_as_a_run_that_was_never_interrupted()
    {
        using var folder = new TemporaryFolder();
        var options = new RecorderOptions { Time = new ManualTime() };
        string undisturbed = folder["undisturbed"];
        string interrupted = folder["interrupted"];
        Directory.CreateDirectory(undisturbed);
        Directory.CreateDirectory(interrupted);
        using (var recorder = RunRecorder.Start(undisturbed, options))
        {
            Begin(recorder);
            Steps(recorder, 1, 9);
        }

        RecorderPosition position;
        using (var recorder = RunRecorder.Start(interrupted, options))
        {
            Begin(recorder);
            Steps(recorder, 1, 3);
            position = recorder.Flush();
            // Killed after a record of the checkpoint's own step, and in the middle of another.
            recorder.Scalars(3, "evaluation", [("late", 1)]);
            Steps(recorder, 4, 6);
        }

        File.AppendAllText(Path.Combine(interrupted, "metrics.jsonl"), "{\"step\":7,\"pha");
        using (var recorder = RunRecorder.Resume(interrupted, 3, position, options))
        {
            Assert.True(recorder.Resumed);
            Begin(recorder);
            Steps(recorder, 4, 5); // killed again before a checkpoint
        }

        File.AppendAllText(Directory.GetFiles(interrupted, "events*").Max(StringComparer.Ordinal)!, "torn");
        using (var recorder = RunRecorder.Resume(interrupted, 3, position, options))
        {
            Steps(recorder, 4, 6);
            position = recorder.Flush();
        }

        using (var recorder = RunRecorder.Resume(interrupted, 6, position, options))
        {
            Steps(recorder, 7, 9);
        }

        Assert.Equal(File.ReadAllBytes(Path.Combine(undisturbed, "metrics.jsonl")), File.ReadAllBytes(Path.Combine(interrupted, "metrics.jsonl")));
        // Even a reader that knows nothing of purging finds each value once, and one that does finds the same.
        List<EventRecord> events = EventReader.ReadFolder(interrupted);
        Assert.Equal(Summarise(EventReader.ReadFolder(undisturbed)), Summarise(events));
        Assert.Equal(Summarise(events), Summarise(EventReader.Purge(events)));
        Assert.Equal([4L, 7L], events.Where(record => record.SessionStatus == 1).Select(record => record.Step));
    }

    [Fact]
    public void Resuming_from_a_step_cuts_the_journal_and_tells_TensorBoard_to_forget()
    {
        using var folder = new TemporaryFolder();
        using (var recorder = RunRecorder.Start(folder.Path))
        {
            Steps(recorder, 1, 6);
        }

        File.AppendAllText(folder["metrics.jsonl"], "{\"step\":7,\"pha");
        using (var recorder = RunRecorder.Resume(folder.Path, 3))
        {
            Steps(recorder, 4, 8);
        }

        Assert.Equal([1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L], MetricsJournal.Read(folder["metrics.jsonl"]).Select(record => record.Step));
        Assert.Equal(2, Directory.GetFiles(folder.Path, "events*").Length);
        List<EventRecord> latest = EventReader.Read(Directory.GetFiles(folder.Path, "events*").Max(StringComparer.Ordinal)!);
        Assert.Equal("brain.Event:2", latest[0].FileVersion);
        Assert.Equal((1L, 4L), (latest[1].SessionStatus, latest[1].Step));
        IEnumerable<EventRecord> shown = EventReader.Purge(EventReader.ReadFolder(folder.Path));
        Assert.Equal([1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L],
            shown.Where(record => record.Values.Any(value => value.Tag == "loss/mle")).Select(record => record.Step));
    }

    [Fact]
    public void Event_files_are_named_in_the_order_in_which_they_were_begun_whatever_the_clock_says()
    {
        using var folder = new TemporaryFolder();
        var time = new ManualTime();
        var options = new RecorderOptions { Time = time };
        var names = new List<string>();
        using (var recorder = RunRecorder.Start(folder.Path, options))
        {
            names.Add(recorder.Flush().EventFile);
        }

        for (int resumes = 0; resumes < 5; resumes++)
        {
            time.Now -= TimeSpan.FromHours(resumes); // stands still first, then is set back
            using var recorder = RunRecorder.Resume(folder.Path, 0, null, options);
            names.Add(recorder.Flush().EventFile);
        }

        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Equal(6, names.Distinct().Count());
    }

    [Fact]
    public void A_disk_that_fills_up_at_any_byte_stops_the_run_with_one_sentence_and_the_checkpoint_resumes_exactly()
    {
        using var folder = new TemporaryFolder();
        string undisturbed = folder["undisturbed"];
        Directory.CreateDirectory(undisturbed);
        var roomy = new RecorderOptions { Medium = new FailingMedium(), Descriptions = new Dictionary<string, string>() };
        using (var recorder = RunRecorder.Start(undisturbed, roomy))
        {
            Steps(recorder, 1, 2);
        }

        byte[] journal = File.ReadAllBytes(Path.Combine(undisturbed, "metrics.jsonl"));
        string[] events = Summarise(EventReader.ReadFolder(undisturbed));
        int total = journal.Length + (int)Directory.GetFiles(undisturbed, "events*").Sum(path => new FileInfo(path).Length);
        for (int limit = 0; limit < total; limit++)
        {
            string run = folder[$"run{limit}"];
            Directory.CreateDirectory(run);
            long step = 0;
            RecorderPosition? position = null;
            Assert.Throws<UserMistakeException>(() =>
            {
                using var recorder = RunRecorder.Start(run, roomy with { Medium = new FailingMedium(bytes: limit) });
                for (long next = 1; next <= 2; next++)
                {
                    Steps(recorder, next, next);
                    position = recorder.Flush();
                    step = next;
                }
            });
            using (var recorder = position is null ? StartAgain(run) : RunRecorder.Resume(run, step, position, roomy))
            {
                Steps(recorder, step + 1, 2);
            }

            Assert.Equal(journal, File.ReadAllBytes(Path.Combine(run, "metrics.jsonl")));
            Assert.Equal(events, Summarise(EventReader.ReadFolder(run)));
            Directory.Delete(run, recursive: true);
        }

        RunRecorder StartAgain(string run)
        {
            Directory.Delete(run, recursive: true);
            Directory.CreateDirectory(run);
            return RunRecorder.Start(run, roomy);
        }
    }

    [Fact]
    public void A_failure_to_write_surfaces_in_the_call_in_which_it_happens_and_in_every_later_one_but_not_again_at_the_end()
    {
        using var folder = new TemporaryFolder();
        var time = new ManualTime();
        var recorder = RunRecorder.Start(folder.Path, new RecorderOptions { Time = time, Medium = new FailingMedium(bytes: 100) });
        recorder.Text("config", 0, new string('x', 200));
        time.Now += TimeSpan.FromSeconds(6);
        Assert.Throws<UserMistakeException>(() => recorder.Scalars(1, "mle", [("loss", 1)]));
        Assert.Contains("disk is full", Assert.Throws<UserMistakeException>(() => recorder.Text("samples", 1, "text")).Message,
            StringComparison.Ordinal);
        Assert.Throws<UserMistakeException>(() => recorder.Flush());
        recorder.Dispose();
    }

    [Fact]
    public void A_failure_that_no_call_has_reported_surfaces_at_the_end()
    {
        using var folder = new TemporaryFolder();
        var recorder = RunRecorder.Start(folder.Path, new RecorderOptions { Medium = new FailingMedium(bytes: 100) });
        recorder.Text("config", 0, new string('x', 200));
        Assert.Throws<UserMistakeException>(recorder.Dispose);
        recorder.Dispose();
    }

    [Fact]
    public void A_folder_that_vanishes_is_noticed_at_the_next_checkpoint()
    {
        using var folder = new TemporaryFolder();
        string run = folder["run"];
        Directory.CreateDirectory(run);
        var recorder = RunRecorder.Start(run);
        recorder.Scalars(1, "mle", [("loss", 1)]);
        Directory.Delete(run, recursive: true);
        var failure = Assert.Throws<UserMistakeException>(() => recorder.Flush());
        Assert.Contains("folder does not exist", failure.Message, StringComparison.Ordinal);
        recorder.Dispose();
    }

    [Fact]
    public void Records_reach_the_files_when_the_flush_interval_passes()
    {
        using var folder = new TemporaryFolder();
        var time = new ManualTime();
        using var recorder = RunRecorder.Start(folder.Path, new RecorderOptions { Time = time });
        recorder.Scalars(1, "mle", [("loss", 1)]);
        Assert.Empty(MetricsJournal.Read(folder["metrics.jsonl"]));
        time.Now += TimeSpan.FromSeconds(5);
        recorder.Scalars(2, "mle", [("loss", 1)]);
        Assert.Equal(2, MetricsJournal.Read(folder["metrics.jsonl"]).Count);
        Assert.Equal(3, EventReader.ReadFolder(folder.Path).Count);
    }

    [Fact]
    public void Records_of_many_threads_all_arrive_whole()
    {
        using var folder = new TemporaryFolder();
        using (var recorder = RunRecorder.Start(folder.Path))
        {
            Parallel.For(0, 8, thread =>
            {
                for (int step = 0; step < 500; step++)
                {
                    recorder.Scalars(step, "mle", [($"loss/{thread}", step)]);
                }
            });
        }

        IReadOnlyList<MetricsRecord> journal = MetricsJournal.Read(folder["metrics.jsonl"]);
        for (int thread = 0; thread < 8; thread++)
        {
            Assert.Equal(Enumerable.Range(0, 500).Select(step => (long)step),
                journal.Where(record => record.Scalars.ContainsKey($"loss/{thread}")).Select(record => record.Step));
        }

        Assert.Equal(4_001, EventReader.ReadFolder(folder.Path).Count);
    }

    [Fact]
    public void A_folder_that_holds_a_run_is_not_started_again()
    {
        using var folder = new TemporaryFolder();
        RunRecorder.Start(folder.Path).Dispose();
        Assert.Contains("--resume", Assert.Throws<UserMistakeException>(() => RunRecorder.Start(folder.Path)).Message, StringComparison.Ordinal);
        Assert.Throws<UserMistakeException>(() => RunRecorder.Start(folder["none"]));
    }

    [Fact]
    public void A_position_that_does_not_belong_to_the_run_is_the_users_mistake()
    {
        using var folder = new TemporaryFolder();
        RecorderPosition position;
        using (var recorder = RunRecorder.Start(folder.Path))
        {
            Steps(recorder, 1, 2);
            position = recorder.Flush();
        }

        byte[] journal = File.ReadAllBytes(folder["metrics.jsonl"]);
        Assert.Throws<UserMistakeException>(() => RunRecorder.Resume(folder["none"], 1, position));
        foreach (RecorderPosition wrong in new[]
        {
            position with { JournalBytes = position.JournalBytes + 1 },
            position with { JournalBytes = position.JournalBytes - 1 },
            position with { JournalBytes = -1 },
            position with { EventFile = "../" + position.EventFile },
            position with { EventFile = "config.yaml" },
        })
        {
            Assert.Throws<UserMistakeException>(() => RunRecorder.Resume(folder.Path, 1, wrong));
            Assert.Equal(journal, File.ReadAllBytes(folder["metrics.jsonl"]));
        }
    }

    [Fact]
    public void Tags_that_would_break_a_record_are_refused()
    {
        using var folder = new TemporaryFolder();
        using var recorder = RunRecorder.Start(folder.Path);
        foreach (string tag in new[] { "step", "phase", "" })
        {
            Assert.Throws<ArgumentException>(() => recorder.Scalars(1, "mle", [(tag, 1)]));
        }

        Assert.Throws<ArgumentException>(() => recorder.Scalars(1, "mle", [("loss", 1), ("loss", 2)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => recorder.Scalars(-1, "mle", [("loss", 1)]));
    }

    [Fact]
    public void Every_standard_chart_names_a_standard_tag_or_a_family()
    {
        foreach (string pattern in StandardTags.Layout.Categories.SelectMany(category => category.Charts).SelectMany(chart => chart.TagPatterns))
        {
            Assert.True(
                pattern == "diversity/.*"
                    || StandardTags.Descriptions.Keys.Any(tag => System.Text.RegularExpressions.Regex.IsMatch(tag, $"^(?:{pattern})$")),
                pattern);
        }
    }

    private static EventHistogram Record(float[] values)
    {
        using var folder = new TemporaryFolder();
        using (var recorder = RunRecorder.Start(folder.Path))
        {
            recorder.Histogram("weights/embedding", 3, values);
        }

        EventRecord record = EventReader.ReadFolder(folder.Path)[1];
        Assert.Equal(3, record.Step);
        EventValue value = Assert.Single(record.Values);
        Assert.Equal(("weights/embedding", "histograms", 2L), (value.Tag, value.Plugin, value.DataClass));
        return value.Histogram!;
    }

    private static void Begin(RunRecorder recorder)
    {
        recorder.HyperParameters(new Dictionary<string, HyperParameterValue> { ["seed"] = 1 }, ["nll/test"]);
        recorder.CustomScalarLayout(StandardTags.Layout);
    }

    private static void Steps(RunRecorder recorder, long first, long last)
    {
        for (long step = first; step <= last; step++)
        {
            recorder.Scalars(step, "mle", [("loss/mle", 1.0 / step), ("speed/sequences_per_second", 100)]);
            recorder.Text("samples", step, $"text of step {step}");
            recorder.Histogram("weights", step, [1f, step]);
        }
    }

    /// <summary>Each value as one text, in order, without metadata and times, which a resumed run repeats or changes.</summary>
    private static string[] Summarise(IEnumerable<EventRecord> events) =>
    [
        .. events.SelectMany(record => record.Values.Select(value =>
            $"{record.Step} {value.Tag} {value.Scalar} {string.Join(',', value.Tensor?.Strings.Select(Encoding.UTF8.GetString) ?? [])} "
                + string.Join(',', value.Histogram?.Counts ?? []))),
    ];
}
