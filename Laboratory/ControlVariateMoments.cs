using System.Globalization;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Objectives.ControlVariates;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>
/// Mean and variance of the score-function gradient with a control variate, the expected reward as baseline, with respect to every parameter. They
/// are sums over all sequences; the noise of relaxed samples is drawn given each of them.
/// </summary>
/// <remarks>B sequences, T time, P parameters.</remarks>
public static class ControlVariateMoments
{
    private static readonly ControlVariateOptions _options = new();

    /// <summary>The objectives that have a control variate.</summary>
    public static IEnumerable<ObjectiveKind> Objectives => ObjectiveKind.All.Where(kind => kind.ControlVariate is not null);

    /// <summary>The control variate of an objective, with default options, before any training.</summary>
    /// <param name="kind">One of <see cref="Objectives"/>.</param>
    /// <param name="generator">The generator whose hidden states it reads.</param>
    /// <param name="discriminator">The frozen discriminator, whose scores are rewarded.</param>
    /// <param name="reward">From scores [B] to rewards [B].</param>
    public static ControlVariate Untrained(ObjectiveKind kind, IGenerator generator, Discriminator discriminator, Func<Tensor, Tensor> reward) =>
        kind.ControlVariate!(new ControlVariateParts(generator, discriminator, reward, _options, new RandomKey(0).Derive("control variate")));

    /// <summary>How a control variate's moments are found.</summary>
    public static MomentSource SourceOf(ControlVariate control) => control.DependsOnNoise ? MomentSource.Conditioned : MomentSource.Exact;

    /// <summary>The note on control variates that a table gets.</summary>
    /// <param name="batches">How many batches they have learned from.</param>
    /// <param name="batch">Sequences a batch.</param>
    public static string Note(int batches, int batch) => string.Create(CultureInfo.InvariantCulture,
        $"The control variates of {string.Join(", ", Objectives)} have learned from {batches} batches of {batch} at this generator; those that read "
            + $"relaxed tokens began at temperature {_options.Temperature}.");

    /// <summary>The moments, in one group where the control variate reads no noise, else in one for each draw.</summary>
    /// <param name="game">Generator and discriminator.</param>
    /// <param name="control">The control variate, in double precision; it is not trained here.</param>
    /// <param name="draws">How often noise is drawn for each sequence.</param>
    /// <param name="key">Keys the noise.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    public static GradientMoments Of(ExactGame game, ControlVariate control, int draws, RandomKey key, CancellationToken cancellation = default)
    {
        int groups = SourceOf(control) == MomentSource.Exact ? 1 : draws;
        var moments = new GradientMoments(groups, game.Gradient.shape[0]);
        double expected = game.ExpectedReward;
        for (int group = 0; group < groups; group++)
        {
            foreach ((int start, Tensor ids) in game.Strings.Pieces(PerSequenceGenerator.RowsFor(game.Generator)))
            {
                cancellation.ThrowIfCancellationRequested();
                Tensor advantages = (game.Rewards.narrow(0, start, ids.shape[0]) - expected).unsqueeze(1).expand(ids.shape); // [B, T]
                Tensor gradients = Gradients(game, control, ids, advantages, key.Derive((ulong)group).Derive((ulong)start)); // [B, P]
                moments.Add(group, gradients, game.Probabilities.narrow(0, start, ids.shape[0]));
            }
        }

        return moments;
    }

    private static Tensor Gradients(ExactGame game, ControlVariate control, Tensor ids, Tensor advantages, RandomKey noise)
    {
        var generator = new PerSequenceGenerator(game.Generator, ids.shape[0]);
        (Tensor hidden, Tensor logits) = generator.Read(ids); // [B, T, H], [B, T, V]
        var places = SampledPlaces.Of(ids, game.Discriminator.Mask(ids), hidden, logits, noise);
        Tensor gradient = control.LogitGradient(places, places.At(advantages)).detach(); // [N, V]
        Tensor carried = (gradient * places.At(logits)).sum(-1); // [N]
        return generator.Gradients(zeros(ids.numel(), carried.dtype).index_add(0, places.Rows, carried, 1).view(ids.shape).sum(1));
    }
}
