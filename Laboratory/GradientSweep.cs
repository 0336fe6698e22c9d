using System.Diagnostics;
using System.Globalization;
using GumbelGan.Discriminators;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Objectives.ControlVariates;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>Measures every estimator against the exact gradient, in one setting after another.</summary>
public static class GradientSweep
{
    // An estimator is timed over this many batches, or fewer where they take longer than this.
    private const int TimedBatches = 20;
    private static readonly TimeSpan _longestTiming = TimeSpan.FromSeconds(0.3);

    // Batches from which a control variate learns before it is measured.
    private const int ControlBatches = 1000;

    private static readonly (ScoreBaseline Baseline, string Name)[] _scoreFunctions =
    [
        (ScoreBaseline.None, "reinforce"), (ScoreBaseline.ExpectedReward, "reinforce, expected reward"),
        (ScoreBaseline.BestConstant, "reinforce, best constant"), (ScoreBaseline.OtherOfPair, "rloo of pairs"),
    ];

    /// <summary>Measures every estimator in every setting.</summary>
    /// <param name="options">The settings; checked here.</param>
    /// <param name="progress">Told what is measured next.</param>
    /// <param name="cancellation">Stops between batches and between pieces of the enumeration.</param>
    /// <exception cref="UserMistakeException">The options are out of range, or there are too many sequences.</exception>
    public static IReadOnlyList<GradientTable> Run(GradientSweepOptions options, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        options.Check();
        EngineSettings.Prepare(options.Threads);
        (int V, int T, double Scale, double Sharpness)[] settings =
        [
            .. from vocabulary in options.Vocabularies
               from length in options.Lengths
               from scale in options.LogitScales
               from sharpness in options.Sharpnesses
               select (vocabulary, length, scale, sharpness),
        ];
        foreach ((int vocabulary, int length) in settings.Select(setting => (setting.V, setting.T)).Distinct())
        {
            _ = StringSpace.Of(FormatOf(options, vocabulary, length));
        }

        return [.. settings.Select(setting => Measure(options, setting.V, setting.T, setting.Scale, setting.Sharpness, progress, cancellation))];
    }

    private static GradientTable Measure(
        GradientSweepOptions options, int vocabulary, int length, double scale, double sharpness, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        var key = new RandomKey((ulong)options.Seed);
        SequenceFormat format = FormatOf(options, vocabulary, length);
        DiscriminatorOptions judge = options.Discriminator.NewOptions().Sized(options.Embedding, options.Hidden);
        if (judge.ProblemWith(length) is { } problem)
        {
            throw new UserMistakeException(problem.Replace("set discriminator.filter_widths to smaller widths",
                "make --length larger or choose another --discriminator", StringComparison.Ordinal));
        }

        using Discriminator discriminator = judge.Create(format.Vocabulary, format.PaddingId, key.Derive("discriminator"));
        discriminator.SetTrainable(false);
        LstmGenerator Generator(Feedback feedback)
        {
            var generator =
                new LstmGenerator(new LstmGeneratorOptions { Embedding = options.Embedding, Hidden = options.Hidden, Feedback = feedback },
                format, key.Derive("generator"));
            generator.Temper(1 / scale);
            return generator;
        }

        using LstmGenerator generator = Generator(Feedback.Relaxed);
        string where = string.Create(CultureInfo.InvariantCulture, $"V {vocabulary}, T {length}, logit scale {scale}, sharpness {sharpness}");
        progress?.Report($"{where}: enumerating");
        using ExactGame game = ExactGame.Of(generator, discriminator, new Reward(sharpness), isStandardised: true);
        var rows = new List<GradientRow>();
        progress?.Report($"{where}: score functions");
        using (var scores = ScoreFunctionMoments.Of(game, cancellation))
        using (var batch = new LeaveOneOutBatchGradient(generator, discriminator, options.Batch))
        {
            double time = Microseconds(batch, options.Batch, key);
            foreach ((ScoreBaseline baseline, string name) in _scoreFunctions)
            {
                using GradientMoments moments = scores.With(baseline);
                rows.Add(new GradientRow(name, null, null, MomentSource.Exact, moments.Against(game.Gradient), time));
            }
        }

        foreach (ObjectiveKind kind in ControlVariateMoments.Objectives)
        {
            progress?.Report($"{where}: {kind}");
            using ControlVariate learning = ControlVariateMoments.Untrained(kind, generator, discriminator, game.Reward.Of),
                learned = ControlVariateMoments.Untrained(kind, game.Generator, game.Discriminator, game.Reward.Of);
            using var batch = new ControlledBatchGradient(generator, discriminator, learning, game.Reward.Of, options.Batch);
            batch.Fit(ControlBatches, key.Derive("control variate"), cancellation);
            double time = Microseconds(batch, options.Batch, key);
            DoublePrecision.CopyWeights(learning, learned);
            using GradientMoments moments = ControlVariateMoments.Of(
                game, learned.to(ScalarType.Float64), options.Draws, key.Derive("noise").Derive(kind.Name), cancellation);
            rows.Add(new GradientRow(
                kind.Name, null, null, ControlVariateMoments.SourceOf(learned), moments.Against(game.Gradient), time));
        }

        foreach (Feedback feedback in options.Feedbacks)
        {
            using LstmGenerator reader = Generator(feedback);
            foreach ((Relaxation relaxation, double temperature) in Relaxation.All.SelectMany(
                relaxation => options.Temperatures.Select(temperature => (relaxation, temperature))))
            {
                progress?.Report(string.Create(CultureInfo.InvariantCulture, $"{where}: {relaxation} at {temperature}"));
                using GradientMoments moments = RelaxationMoments.Of(
                    game, relaxation, temperature, feedback, options.Draws, options.Samples, key.Derive("noise").Derive(relaxation.Name),
                    cancellation: cancellation);
                using var batch = new RelaxedBatchGradient(reader, discriminator, relaxation, temperature, options.Batch);
                rows.Add(new GradientRow(
                    relaxation.Name, temperature, feedback, RelaxationMoments.SourceOf(relaxation), moments.Against(game.Gradient),
                    Microseconds(batch, options.Batch, key)));
            }
        }

        return new GradientTable(
            where,
            [
                ("vocabulary", vocabulary), ("length", length), ("logit_scale", scale), ("sharpness", sharpness),
                ("sequences", game.Strings.Count), ("parameters", game.Gradient.shape[0]), ("entropy", game.Entropy),
                ("expected_reward", game.ExpectedReward),
                ("reward_deviation", Math.Sqrt(game.Expectation(game.Rewards.square()) - game.ExpectedReward * game.ExpectedReward)),
                ("gradient_norm", game.Gradient.norm().item<double>()),
            ],
            rows)
        { Notes = [ControlVariateMoments.Note(ControlBatches, options.Batch)] };
    }

    // Where sequences can end, the last of the V tokens is the end token; begin and padding have the two ids after it.
    private static SequenceFormat FormatOf(GradientSweepOptions options, int vocabulary, int length) => options.Ends
        ? new SequenceFormat(vocabulary + 2, length, vocabulary, vocabulary - 1, vocabulary + 1)
        : SequenceFormat.FixedLength(vocabulary, length, 0);

    /// <summary>Microseconds a sequence, of the fastest of some batches: other work on the machine only ever adds to a time.</summary>
    private static double Microseconds(BatchGradient gradient, int batch, RandomKey key)
    {
        double least = double.PositiveInfinity;
        long began = Stopwatch.GetTimestamp();
        for (int i = 0; i < TimedBatches && (i < 3 || Stopwatch.GetElapsedTime(began) < _longestTiming); i++)
        {
            long start = Stopwatch.GetTimestamp();
            gradient.Backward(key.Derive("time").Derive((ulong)i));
            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        return least / batch;
    }
}
