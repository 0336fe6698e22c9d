using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Laboratory;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Laboratory;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Objectives.ControlVariates;
using GumbelGan.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training;

/// <summary>REBAR and RELAX: the estimate at one place by integration and by loops, over sequences by enumeration, and in training.</summary>
public sealed class ControlVariateTests
{
    private static readonly double[] _logits = [0.4, -0.9, 1.3, 0.1];

    [Theory]
    [InlineData(0.3)]
    [InlineData(-1.7)]
    public void Integrated_over_the_noise_the_estimate_at_a_place_has_exactly_the_mean_of_the_score_function(double difference)
    {
        // Of two tokens only the difference of the perturbed logits counts: logistic about the difference of the logits, cut off at 0 by the token.
        const int Points = 400_000;
        using DisposeScope scope = NewDisposeScope();
        using RelaxControlVariate control = Network(2, new RandomKey(5));
        double win = 1 / (1 + Math.Exp(-difference));
        double[] probabilities = [win, 1 - win], advantages = [1.3, -0.4];
        Tensor mean = zeros(2, ScalarType.Float64), correction = zeros(2, ScalarType.Float64);
        for (int token = 0; token < 2; token++)
        {
            // The difference at the middle of each of many equally likely intervals, given the token.
            double low = token == 0 ? 1 - win : 0, high = token == 0 ? 1 : 1 - win;
            double[] perturbed = [.. Enumerable.Range(0, Points).Select(i => low + (high - low) * (i + 0.5) / Points)
                .SelectMany(u => new[] { difference + Math.Log(u / (1 - u)), 0 })];
            Tensor place = tensor(perturbed, [Points, 2]), tokens = full(Points, token, ScalarType.Int64);
            SampledPlaces places = Places(place, tokens, tensor(probabilities).expand(Points, 2), Points);
            (Tensor value, Tensor slope) = control.Of(places);
            // [N, 2]
            Tensor estimate = RelaxedControlVariate.LogitGradient(places, full(Points, advantages[token], ScalarType.Float64), value, slope);
            mean += estimate.mean([0]) * probabilities[token];
            correction += (estimate.mean([0]) - advantages[token] * (GumbelSoftmax.OneHot(tokens, 2)[0] - places.Probabilities[0])).abs()
                * probabilities[token];
        }

        double expected = win * (1 - win) * (advantages[0] - advantages[1]);
        Assert.Equal(expected, mean[0].item<double>(), 1e-6);
        Assert.Equal(-expected, mean[1].item<double>(), 1e-6);
        Assert.True(correction.max().item<double>() > 0.01, "The control variate does nothing.");
    }

    [Fact]
    public void The_estimate_is_the_two_paths_through_the_noise_and_the_score_function_differentiated_and_added_up_by_loops()
    {
        using DisposeScope scope = NewDisposeScope();
        const int Count = 40, V = 4;
        Tensor logits = tensor(_logits).unsqueeze(0).repeat(Count, 1).requires_grad_();
        Tensor tokens = arange(Count, ScalarType.Int64).remainder(V), free = GumbelSoftmax.Noise(new RandomKey(1), Count, V).to(ScalarType.Float64);
        Tensor conditional = GumbelSoftmax.ConditionallyPerturbed(logits, tokens, free), z = logits + (conditional - logits).detach(); // [N, V]
        SampledPlaces places = Places(z.detach(), tokens, logits.detach().softmax(-1), Count);
        Tensor slope = randn([Count, V], ScalarType.Float64, generator: new torch.Generator(2)), value = slope.sum(1) / 3, advantages = slope.prod(1);
        Tensor own = logits.log_softmax(-1).gather(1, tokens.unsqueeze(1)).squeeze(1); // [N]
        ((advantages - value) * own + (slope * (z - conditional)).sum(1)).sum().backward();
        double[] expected = logits.grad!.data<double>().ToArray(),
            actual = RelaxedControlVariate.LogitGradient(places, advantages, value, slope).data<double>().ToArray();
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-9));

        double[] p = places.Probabilities.contiguous().data<double>().ToArray(), q = slope.data<double>().ToArray(),
            perturbed = z.data<double>().ToArray();
        for (int i = 0; i < Count; i++)
        {
            int token = i % V;
            double left = advantages[i].item<double>() - value[i].item<double>();
            for (int k = 0; k < V; k++)
            {
                double sum = left * ((k == token ? 1 : 0) - p[i * V + k]);
                for (int j = 0; j < V; j++)
                {
                    sum += q[i * V + j] * Math.Exp(perturbed[i * V + j] - perturbed[i * V + token]) * ((j == k ? 1 : 0) - p[i * V + k]);
                }

                Assert.Equal(sum, actual[i * V + k], 1e-9);
            }
        }
    }

    [Fact]
    public void The_slope_of_RELAXs_network_is_that_of_its_value()
    {
        using DisposeScope scope = NewDisposeScope();
        using RelaxControlVariate control = Network(4, new RandomKey(6));
        Tensor z = randn([30, 4], ScalarType.Float64, generator: new torch.Generator(3)).requires_grad_();
        SampledPlaces places = Places(z, z.argmax(1), tensor(_logits).softmax(-1).expand(30, 4), 30);
        (Tensor value, Tensor slope) = control.Of(places);
        value.sum().backward();
        Assert.True(slope.abs().max().item<double>() > 0.01);
        Assert.Equal(0, (z.grad! - slope).abs().max().item<double>(), 1e-12);
    }

    [Theory]
    [InlineData("lstm")]
    [InlineData("cnn")]
    public void REBAR_reads_the_discriminators_score_of_the_prefix_with_the_relaxed_token_behind_it_and_its_slope(string discriminator)
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(4, 4, ends: true, discriminator);
        game.Discriminator.SetTrainable(false);
        Tensor ids = game.Generator.Sample(6, 1, new RandomKey(2)), mask = game.Discriminator.Mask(ids), hidden = game.Generator.HiddenStates(ids);
        var drawn = SampledPlaces.Of(ids, mask, hidden, game.Generator.LogitsOf(hidden), new RandomKey(3));
        using var control = new RebarControlVariate(new ControlVariateParts(game.Generator, game.Discriminator, scores => scores.sigmoid(),
            new ControlVariateOptions { Temperature = 0.7 }, default));
        Assert.Equal(["eta", "offset"], control.named_parameters().Select(named => named.name));
        using (no_grad())
        {
            control.get_parameter("eta")!.fill_(2);
            control.get_parameter("offset")!.fill_(0.25f);
        }

        // As good as hard: the reward of the broken sequence itself.
        SampledPlaces hard = drawn with { Perturbed = GumbelSoftmax.OneHot(drawn.Tokens, game.Generator.Format.Vocabulary) * 100 };
        float[] values = control.Of(hard).Value.data<float>().ToArray();
        long[] rows = drawn.Rows.data<long>().ToArray();
        for (int i = 0; i < rows.Length; i++)
        {
            Tensor prefix = ids[rows[i] / 4].clone();
            for (long t = rows[i] % 4 + 1; t < 4; t++)
            {
                prefix[t] = game.Generator.Format.PaddingId!.Value;
            }

            Assert.Equal(2 * game.Discriminator.Score(prefix.unsqueeze(0)).sigmoid().item<float>() + 0.25, values[i], 1e-5);
        }

        (Tensor _, Tensor slope) = control.Of(drawn);
        const float Step = 0.05f;
        for (int column = 0; column < 4; column++)
        {
            Tensor moved = GumbelSoftmax.OneHot(full(rows.Length, column, ScalarType.Int64), game.Generator.Format.Vocabulary) * Step;
            Tensor difference = (control.Of(drawn with { Perturbed = drawn.Perturbed + moved }).Value
                - control.Of(drawn with { Perturbed = drawn.Perturbed - moved }).Value) / (2 * Step);
            Assert.Equal(0, (difference - slope.select(1, column)).abs().max().item<float>(), 2e-3f);
        }
    }

    [Theory]
    [InlineData("rebar", false)]
    [InlineData("rebar", true)]
    [InlineData("relax", false)]
    [InlineData("relax", true)]
    [InlineData("critic", false)]
    [InlineData("critic", true)]
    public void Enumerated_given_each_sequence_the_mean_is_the_truth_within_four_standard_errors_and_the_variance_is_lower(string name, bool ends)
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(4, 3, ends);
        using ExactGame exact = game.Exact();
        ObjectiveKind kind = ControlVariateMoments.Objectives.Single(kind => kind.Name == name);
        using ControlVariate learning = ControlVariateMoments.Untrained(kind, game.Generator, game.Discriminator, exact.Reward.Of),
            learned = ControlVariateMoments.Untrained(kind, exact.Generator, exact.Discriminator, exact.Reward.Of);
        game.Discriminator.SetTrainable(false);
        using var batch = new ControlledBatchGradient(game.Generator, game.Discriminator, learning, exact.Reward.Of, 64);
        batch.Fit(600, new RandomKey(4), TestContext.Current.CancellationToken);
        DoublePrecision.CopyWeights(learning, learned);
        using GradientMoments moments =
            ControlVariateMoments.Of(exact, learned.to(ScalarType.Float64), 60, new RandomKey(8), TestContext.Current.CancellationToken);
        GradientQuality quality = moments.Against(exact.Gradient);
        if (ControlVariateMoments.SourceOf(learned) == MomentSource.Exact)
        {
            Assert.InRange(quality.RelativeBias.Value, 0, 1e-6);
        }
        else
        {
            Assert.InRange(quality.RelativeBias.Value, 0, 4 * quality.RelativeBias.Error!.Value);
            Assert.InRange(quality.RelativeBias.Error.Value, 0, 0.03);
            Assert.InRange(Math.Abs(quality.Cosine.Value - 1), 0, 4 * quality.Cosine.Error!.Value);
        }

        using var scores = ScoreFunctionMoments.Of(exact, TestContext.Current.CancellationToken);
        using GradientMoments without = scores.With(ScoreBaseline.BestConstant);
        double best = without.Against(exact.Gradient).Variance.Value;
        Assert.True(quality.Variance.Value < name switch { "critic" => 0.4, "relax" => 0.95, _ => 1 } * best,
            $"{quality.Variance.Value} is not below {best}");
    }

    [Theory]
    [InlineData("rebar", EnumeratedWorld.Batch)]
    [InlineData("relax", EnumeratedWorld.Batch)]
    [InlineData("relax", 1)]
    [InlineData("critic", EnumeratedWorld.Batch)]
    [InlineData("critic", 1)]
    public void In_training_a_control_variate_that_has_learned_leaves_the_mean_gradient_where_it_is_and_takes_from_its_variance(
        string name, int size)
    {
        using var world = new EnumeratedWorld();
        var config = new RunConfig
        {
            ControlVariate = new ControlVariateOptions { LearningRate = 0.01 },
            Adversarial = new AdversarialOptions { BatchSize = size },
        };
        using var objective = (AdversarialObjective)ObjectiveKind.All.Single(kind => kind.Name == name).Create(world.Parts(config));
        int batches = 12_800 / size / (size == 1 ? 2 : 1);
        double untaught = world.MeanGradient(objective, batches, size).Error.Sum(error => error * error);
        Update teach = objective.Phases[^1].Updates[^1];
        Assert.Equal("control_variate", teach.Learner.Name);
        teach.Learner.Optimizer.LearningRate = config.ControlVariate.LearningRate;
        for (ulong i = 0; i < 600; i++)
        {
            using DisposeScope step = NewDisposeScope();
            using (NewDisposeScope())
            {
                _ = objective.GeneratorLoss(objective.Generate(size, 1, new RandomKey(5).Derive(i)), zeros(size));
            }

            Assert.True(teach.Make(new StepContext(1, 1, 1, default, default), 0).IsFinite);
        }

        (double[] mean, double[] error) = world.MeanGradient(objective, batches, size);
        double[] exact = world.ExactGradient(world.SequenceRewards);
        Assert.True(exact.Zip(error).Where(pair => pair.Second > 1e-9).Max(pair => Math.Abs(pair.First) / pair.Second) > 8);
        EnumeratedWorld.AssertWithinErrors(mean, error, exact);
        double taught = error.Sum(value => value * value);
        Assert.True(taught < name switch { "critic" => 0.6, "relax" => 0.9, _ => 0.99 } * untaught, $"{taught} is not below {untaught}");
    }

    [Fact]
    public void However_often_the_generator_learns_in_a_step_the_control_variate_learns_from_the_weights_that_it_had_in_it()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=critic", "pretraining.epochs=0", "adversarial.discriminator_warm_up_steps=0", "adversarial.steps=1",
            "adversarial.generator_steps=3", "recording.checkpoint_every=1", "recording.keep_checkpoints=100"));
        // Its output layer is zero at first, so that nothing behind it has a gradient in the first step.
        Assert.Equal(Read("000000", "state.weight"), Read("000001", "state.weight"));
        Assert.NotEqual(Read("000000", "output.weight"), Read("000001", "output.weight"));

        float[] Read(string checkpoint, string name) =>
            SafetensorsFile.Read(Path.Combine(RunFolder.Open(run.Run).Named(checkpoint).Path, "control_variate.safetensors"))
                .Entries.Single(entry => entry.Name == name).Values<float>().ToArray();
    }

    // A network whose output is not zero, in double precision.
    private static RelaxControlVariate Network(int vocabulary, RandomKey key)
    {
        using var reader = new LstmGenerator(new LstmGeneratorOptions { Embedding = 2, Hidden = 3 },
            SequenceFormat.FixedLength(vocabulary, 2, 0), new RandomKey(1));
        using Discriminator judge = new LstmDiscriminatorOptions { Embedding = 2, Hidden = 2 }.Create(vocabulary, null, new RandomKey(2));
        var options = new ControlVariateOptions { Hidden = 5, Temperature = 0.8 };
        var control = new RelaxControlVariate(new ControlVariateParts(reader, judge, null, options, key));
        using (no_grad())
        {
            foreach ((string name, Parameter parameter) in control.named_parameters())
            {
                if (name.StartsWith("output", StringComparison.Ordinal))
                {
                    parameter.copy_(linspace(-1, 1.5, parameter.numel()).view(parameter.shape));
                }
            }
        }

        return control.to(ScalarType.Float64);
    }

    private static SampledPlaces Places(Tensor perturbed, Tensor tokens, Tensor probabilities, long count) =>
        new(tokens.unsqueeze(1), arange(count, ScalarType.Int64), tokens, full([count, 3], 0.2, ScalarType.Float64), probabilities.log(), default)
        {
            Perturbed = perturbed,
        };
}
