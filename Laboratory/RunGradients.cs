using System.Diagnostics;
using System.Globalization;
using GumbelGan.Discriminators;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Objectives.ControlVariates;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>
/// Measures every estimator at a checkpoint of a run, its discriminator frozen. The truth is not known there; the reference is leave-one-out
/// REINFORCE, which is unbiased, over many samples. Also measures how well the discriminator tells real sequences from samples.
/// </summary>
public sealed class RunGradients : IDisposable
{
    // The reference is drawn in batches of this size and in two halves, whose agreement says how far it can be trusted.
    private const int ReferenceBatch = 256, Halves = 2;

    // Batches are sorted into this many groups for standard errors.
    private const int Groups = 10;

    // Batches from which a control variate learns before it is measured.
    private const int ControlBatches = 500;

    private readonly RunGradientOptions _options;
    private readonly RunConfig _config;
    private readonly RandomKey _key;
    private readonly EncodedCorpus _corpus;
    private readonly Checkpoint _checkpoint;
    private readonly IGenerator _generator;
    private readonly Discriminator _discriminator;

    private RunGradients(RunGradientOptions options)
    {
        _options = options;
        _key = new RandomKey((ulong)options.Seed).Derive("gradients");
        RunFolder folder = RunFolder.Open(options.Run);
        _checkpoint = options.Best ? folder.Best() : folder.Latest();
        RunConfig config = ConfigurationReader.Read<RunConfig>(folder.Configuration);
        if (config.Generator.HasHiddenNoise)
        {
            throw new UserMistakeException($"The generator of {options.Run} starts from a noisy state, which hides the probability of a sample "
                + "that the reference needs; take a run with generator.noisy_initial_state: false.");
        }

        _corpus = RunCorpus.Read(folder, config);
        (_generator, _, _config) = TrainingJob.Load(folder, _checkpoint, GeneratorWeights.Last, _corpus);
        EngineSettings.Prepare(options.Threads);
        SequenceFormat format = _generator.Format;
        _discriminator = config.Discriminator.Create(format.Vocabulary, format.PaddingId, new RandomKey(0));
        _checkpoint.LoadDiscriminator(_discriminator);
        _discriminator.SetTrainable(false);
    }

    /// <summary>Measures every estimator at a checkpoint.</summary>
    /// <param name="options">The run, and how it is measured.</param>
    /// <param name="progress">Told what is measured next.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="UserMistakeException">The run cannot be read, or an option is out of range.</exception>
    public static GradientTable Measure(RunGradientOptions options, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        Check(options);
        using var run = new RunGradients(options);
        return run.Measure(progress, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _generator.Dispose();
        _discriminator.Dispose();
    }

    private static void Check(RunGradientOptions options)
    {
        GradientSweepOptions.Require([options.Samples], "--samples", value => value >= Halves * ReferenceBatch,
            $"at least {Halves * ReferenceBatch}");
        GradientSweepOptions.Require([options.Batches], "--batches", value => value >= Groups, $"at least {Groups}");
        (new GradientSweepOptions() with { Temperatures = options.Temperatures, Batch = options.Batch, Threads = options.Threads }).Check();
    }

    private GradientTable Measure(IProgress<string>? progress, CancellationToken cancellation)
    {
        using DisposeScope scope = NewDisposeScope();
        TrainingState state = _checkpoint.State();
        progress?.Report($"reference of {_options.Samples} samples");
        (Tensor reference, double agreement) = Reference(cancellation);
        var rows = new List<GradientRow>();
        using (var gradient = new LeaveOneOutBatchGradient(_generator, _discriminator, _options.Batch))
        {
            rows.Add(Row(gradient, reference, "rloo", null, null, cancellation));
        }

        foreach (ObjectiveKind kind in ControlVariateMoments.Objectives)
        {
            progress?.Report(kind.Name);
            using ControlVariate control = ControlVariateMoments.Untrained(kind, _generator, _discriminator, scores => scores);
            using var gradient = new ControlledBatchGradient(_generator, _discriminator, control, scores => scores, _options.Batch);
            gradient.Fit(ControlBatches, _key.Derive("control variate"), cancellation);
            rows.Add(Row(gradient, reference, kind.Name, null, null, cancellation));
        }

        foreach (Feedback feedback in _options.Feedbacks)
        {
            using IGenerator reader = (_config.Generator with { Feedback = feedback }).Create(_generator.Format, new RandomKey(0));
            DoublePrecision.CopyWeights(_generator.Module, reader.Module);
            foreach ((Relaxation relaxation, double temperature) in Relaxation.All.SelectMany(
                relaxation => _options.Temperatures.Select(temperature => (relaxation, temperature))))
            {
                progress?.Report(
                    string.Create(CultureInfo.InvariantCulture, $"{relaxation} at {temperature}, {feedback.ToString().ToLowerInvariant()} feedback"));
                using var gradient = new RelaxedBatchGradient(reader, _discriminator, relaxation, temperature, _options.Batch);
                rows.Add(Row(gradient, reference, relaxation.Name, temperature, feedback, cancellation));
            }
        }

        progress?.Report("what the discriminator tells apart");
        return new GradientTable(
            $"{_options.Run}, step {state.Step}, batches of {_options.Batch}",
            [
                ("samples_of_the_reference", _options.Samples), ("agreement_of_its_halves", agreement), ("batches", _options.Batches),
                ("vocabulary", _generator.Format.Vocabulary), ("length", _generator.Format.Length), ("parameters", reference.shape[0]),
                ("discriminator_updates", state.DiscriminatorUpdates), ("gradient_norm", reference.norm().item<double>()),
            ],
            rows)
        {
            Batch = _options.Batch,
            Notes =
            [
                string.Create(CultureInfo.InvariantCulture,
                    $"The reference is leave-one-out REINFORCE over {_options.Samples} samples; its halves agree with cosine {agreement:F3}."),
                ControlVariateMoments.Note(ControlBatches, _options.Batch),
                .. state.DiscriminatorUpdates == 0 ? ["The discriminator has made no updates: what it likes is chance."] : Array.Empty<string>(),
                .. Diagnoses(),
            ],
        };
    }

    /// <summary>The reference [P], and the cosine of its halves.</summary>
    private (Tensor Reference, double Agreement) Reference(CancellationToken cancellation)
    {
        using var gradient = new LeaveOneOutBatchGradient(_generator, _discriminator, ReferenceBatch);
        var halves = new Tensor[Halves];
        int batches = _options.Samples / ReferenceBatch / Halves * Halves;
        for (int i = 0; i < batches; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            Tensor drawn = gradient.Draw(_key.Derive("reference").Derive((ulong)i));
            if (i < Halves)
            {
                halves[i] = drawn;
                continue;
            }

            halves[i % Halves].add_(drawn);
            drawn.Dispose();
        }

        double agreement = nn.functional.cosine_similarity(halves[0], halves[1], 0).item<double>();
        return ((halves[0] + halves[1]) / batches, agreement);
    }

    private GradientRow Row(BatchGradient gradient, Tensor reference, string name, double? temperature, Feedback? feedback,
        CancellationToken cancellation)
    {
        using var moments = new GradientMoments(Groups, reference.shape[0]);
        double length = reference.norm().item<double>(), least = double.PositiveInfinity;
        int batches = _options.Batches / Groups * Groups;
        double[] cosines = new double[batches];
        RandomKey key = _key.Derive(name);
        for (int i = 0; i < batches; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            long start = Stopwatch.GetTimestamp();
            Tensor drawn = gradient.Draw(key.Derive((ulong)i)); // [P]
            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            moments.Add(i % Groups, drawn.unsqueeze(0));
            cosines[i] = drawn.dot(reference).item<double>() / (drawn.norm().item<double>() * length);
        }

        double mean = cosines.Average(), deviation = Math.Sqrt(cosines.Sum(cosine => Math.Pow(cosine - mean, 2)) / (batches - 1));
        return new GradientRow(name, temperature, feedback, MomentSource.Sampled, moments.Against(reference),
            least / _options.Batch)
        { BatchCosine = new Estimate(mean, deviation / Math.Sqrt(batches)) };
    }

    // How well the discriminator tells samples of the run's own relaxation from real sequences, then those of the default one.
    private IEnumerable<string> Diagnoses()
    {
        long steps = Math.Max(1, _config.Adversarial.Steps);
        double temperature = _config.Temperature.At(steps, steps);
        foreach (Relaxation relaxation in new[] { _config.Adversarial.Relaxation, Relaxation.Default }.Distinct())
        {
            var diagnosis = GameDiagnosis.Measure(_generator, _discriminator, _corpus.Validation, relaxation, temperature, _key.Derive("diagnosis"));
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"AUC of the discriminator at temperature {temperature:0.###}: real against {relaxation} samples {diagnosis.Soft:F3}, what those "
                    + $"show against themselves {diagnosis.Argmax:F3}, real against hard samples {diagnosis.Hard:F3} (.5 is chance).");
        }
    }
}
