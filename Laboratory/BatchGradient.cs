using GumbelGan.Discriminators;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training;
using GumbelGan.Training.Objectives.ControlVariates;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>The gradient of the mean score of a batch, taken by the same objects as in training, so that its cost is the cost in training.</summary>
/// <remarks>B batch, P parameters.</remarks>
/// <param name="generator">The generator with respect to whose parameters it is taken.</param>
internal abstract class BatchGradient(IGenerator generator) : IDisposable
{
    private readonly Parameter[] _parameters = [.. generator.Module.parameters()];

    /// <summary>Draws a batch and returns its gradient, [P] of float64 on the CPU.</summary>
    /// <param name="key">Keys the draws.</param>
    public Tensor Draw(RandomKey key)
    {
        using DisposeScope scope = NewDisposeScope();
        Backward(key);
        return cat([.. _parameters.Select(parameter => (parameter.grad ?? zeros_like(parameter)).reshape(-1))]).to(ScalarType.Float64).cpu()
            .MoveToOuterDisposeScope();
    }

    /// <summary>Draws a batch and leaves its gradient in the <c>grad</c> of the parameters.</summary>
    public void Backward(RandomKey key)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (Parameter parameter in _parameters)
        {
            parameter.grad = null;
        }

        Surrogate(key).backward();
        BackwardFailure.Throw();
        foreach (Parameter parameter in _parameters)
        {
            parameter.grad?.DetachFromDisposeScope();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees native memory.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>A scalar whose gradient is an estimate of that of the expected score.</summary>
    protected abstract Tensor Surrogate(RandomKey key);
}

/// <summary>The gradient that goes back through relaxed samples (Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017).</summary>
internal sealed class RelaxedBatchGradient(IGenerator generator, Discriminator discriminator, Relaxation relaxation, double temperature, int batch)
    : BatchGradient(generator)
{
    private readonly IRollout _rollout =
        generator.RollOut(batch, discriminator.Options.Embedding, discriminator.MinimumTime, relaxation);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _rollout.Dispose();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    protected override Tensor Surrogate(RandomKey key)
    {
        _ = _rollout.Generate(discriminator.EmbeddingTable, temperature, key);
        (Tensor embedded, Tensor mask) = _rollout.Embedded(discriminator.EmbeddingTable, throughGenerator: true); // [B, T', F], [B, T']
        return discriminator.ScoreEmbedded(embedded, mask).mean();
    }
}

/// <summary>REINFORCE with the other samples' mean score as baseline (RLOO; Kool et al. 2019), which is unbiased.</summary>
internal sealed class LeaveOneOutBatchGradient(IGenerator generator, Discriminator discriminator, int batch) : BatchGradient(generator)
{
    private readonly IGenerator _generator = generator;

    /// <inheritdoc/>
    protected override Tensor Surrogate(RandomKey key)
    {
        Tensor ids = _generator.Sample(batch, 1, key); // [B, T]
        Tensor scores;
        using (no_grad())
        {
            scores = discriminator.Score(ids); // [B]
        }

        Tensor advantages = (scores - (scores.sum() - scores) / (batch - 1)) / batch; // [B]
        return -_generator.WeightedNegativeLogLikelihood(ids, advantages.unsqueeze(1).expand(ids.shape).contiguous());
    }
}

/// <summary>
/// The score function with a control variate; the baseline is the mean reward of the other samples. The control variate's own gradient is taken
/// too, as in training.
/// </summary>
internal sealed class ControlledBatchGradient(
    IGenerator generator, Discriminator discriminator, ControlVariate control, Func<Tensor, Tensor> reward, int batch) : BatchGradient(generator)
{
    private static readonly ControlVariateOptions _options = new();
    private readonly IGenerator _generator = generator;

    /// <summary>Trains the control variate; the generator stays as it is.</summary>
    /// <param name="batches">How many batches it learns from.</param>
    /// <param name="key">Keys the draws.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public void Fit(int batches, RandomKey key, CancellationToken cancellation)
    {
        using var optimizer = new AdamOptimizer(control, _options.LearningRate);
        for (int i = 0; i < batches; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            _ = optimizer.Minimise(Parts(key.Derive((ulong)i)).ControlLoss, clipNorm: 0);
        }
    }

    /// <inheritdoc/>
    protected override Tensor Surrogate(RandomKey key)
    {
        (Tensor surrogate, Tensor controlLoss) = Parts(key);
        return surrogate + controlLoss;
    }

    private (Tensor Surrogate, Tensor ControlLoss) Parts(RandomKey key)
    {
        Tensor ids = _generator.Sample(batch, 1, key), mask = discriminator.Mask(ids), rewards; // [B, T], [B, T]
        using (no_grad())
        {
            rewards = reward(discriminator.Score(ids)); // [B]
        }

        Tensor hidden = _generator.HiddenStates(ids), logits = _generator.LogitsOf(hidden); // [B, T, H], [B, T, V]
        var places = SampledPlaces.Of(ids, mask, hidden, logits, key.Derive("control variate"));
        Tensor advantages = places.At((rewards - (rewards.sum() - rewards) / (batch - 1)).unsqueeze(1).expand(ids.shape)); // [N]
        Tensor gradient = control.LogitGradient(places, advantages); // [N, V]
        return ((gradient.detach() * places.At(logits)).sum() / batch, ControlVariate.Loss(gradient));
    }
}
