using GumbelGan.Generators;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives.ControlVariates;

/// <summary>
/// The tokens of a batch of hard samples, place by place, each with a relaxed sample that shows it: what control variates read.
/// </summary>
/// <remarks>
/// B batch, T time, V vocabulary, H hidden of the generator, N places that hold tokens. Everything here is a number: no gradient leads out.
/// </remarks>
/// <param name="Ids">[B, T] of int64, the sequences.</param>
/// <param name="Rows">[N] of int64: b * T + t of each place, in this order.</param>
/// <param name="Tokens">[N] of int64, b.</param>
/// <param name="Hidden">[N, H], what the generator knows of the prefix, without a gradient.</param>
/// <param name="Logits">[N, V], l, without a gradient.</param>
/// <param name="Noise">Keys the relaxed samples.</param>
public sealed record SampledPlaces(Tensor Ids, Tensor Rows, Tensor Tokens, Tensor Hidden, Tensor Logits, RandomKey Noise)
{
    private Tensor? _probabilities, _perturbed, _oneHots;

    /// <summary>[N, V], p.</summary>
    public Tensor Probabilities => _probabilities ??= Logits.softmax(-1);

    /// <summary>[N, V], e_b.</summary>
    public Tensor OneHots => _oneHots ??= GumbelSoftmax.OneHot(Tokens, Logits.shape[1]).to(Logits.dtype);

    /// <summary>[N, V], z, largest at the token; drawn when it is first asked for.</summary>
    public Tensor Perturbed
    {
        // A place's noise depends on nothing but where it stands in the batch, so that ranks with a slice each draw what one draws.
        get => _perturbed ??=
            GumbelSoftmax.ConditionallyPerturbed(Logits, Tokens, GumbelSoftmax.NoiseOfRows(Noise, Ids.numel(), Rows, Logits.shape[1]));
        init => _perturbed = value;
    }

    /// <summary>|e_b - p|^2, [N]: how much an advantage counts at a place; next to nothing where the generator is certain.</summary>
    public Tensor ScoreLengths => (OneHots - Probabilities).square().sum(-1);

    /// <summary>The places of sequences.</summary>
    /// <param name="ids">[B, T] of int64, drawn from the generator.</param>
    /// <param name="mask">[B, T]: 1 for tokens, 0 after the end.</param>
    /// <param name="hidden">[B, T, H], of <see cref="IGenerator.HiddenStates"/>.</param>
    /// <param name="logits">[B, T, V], of <see cref="IGenerator.LogitsOf"/>.</param>
    /// <param name="noise">Keys the relaxed samples.</param>
    public static SampledPlaces Of(Tensor ids, Tensor mask, Tensor hidden, Tensor logits, RandomKey noise)
    {
        using IDisposable off = no_grad();
        Tensor rows = mask.reshape(-1).gt(0.5).nonzero().squeeze(1); // [N]
        Tensor Pick(Tensor each) => each.detach().reshape(mask.numel(), -1).index_select(0, rows);
        return new SampledPlaces(ids, rows, ids.reshape(-1).index_select(0, rows), Pick(hidden), Pick(logits), noise);
    }

    /// <summary>What stands at these places.</summary>
    /// <param name="values">[B, T] or [B, T, ...].</param>
    /// <returns>[N] or [N, ...].</returns>
    public Tensor At(Tensor values) => values.reshape([values.shape[0] * values.shape[1], .. values.shape[2..]]).index_select(0, Rows);

    /// <summary>For each place, the sum of what stands at the later places of its sequence.</summary>
    /// <param name="values">[N].</param>
    /// <returns>[N].</returns>
    public Tensor SumOfLater(Tensor values)
    {
        Tensor all = zeros(Ids.numel(), values.dtype, values.device).index_add(0, Rows, values, 1).view(Ids.shape); // [B, T]
        return At(all.flip(1).cumsum(1).flip(1) - all);
    }
}
