using GumbelGan.Discriminators;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives.ControlVariates;

/// <summary>
/// REBAR's control variate (Tucker et al. 2017, eq. 8), c = eta r(y) + offset: the discriminator's own reward r of the hard prefix with the relaxed
/// token y = softmax(z / temperature) behind it, and nothing behind that. eta and offset are learned and begin at 0.
/// </summary>
/// <remarks>
/// N places, T time, V vocabulary, E width of the discriminator's embedding. The discriminator reads a sequence that is broken off at each place, so
/// a batch costs it N sequences instead of B. It must be frozen.
/// </remarks>
public sealed class RebarControlVariate : RelaxedControlVariate
{
    private readonly Parameter eta;
    private readonly Parameter offset;
    private readonly Discriminator _discriminator;
    private readonly Func<Tensor, Tensor>? _reward;
    private readonly double _temperature;

    /// <summary>A control variate that is zero. Where the reward is no function of the score, there is the offset alone.</summary>
    public RebarControlVariate(ControlVariateParts parts)
        : base(nameof(RebarControlVariate))
    {
        (_discriminator, _reward, _temperature) = (parts.Discriminator, parts.Reward, parts.Options.Temperature);
        eta = new Parameter(zeros(1));
        offset = new Parameter(zeros(1));
        // By hand, since the discriminator is no component of it.
        register_parameter(nameof(eta), eta);
        register_parameter(nameof(offset), offset);
    }

    /// <inheritdoc/>
    public override double Temperature => _temperature;

    /// <inheritdoc/>
    public override (Tensor Value, Tensor Slope) Of(SampledPlaces places)
    {
        if (_reward is null)
        {
            return (offset.expand(places.Rows.shape), zeros_like(places.Perturbed));
        }

        (Tensor reward, Tensor slope) = RelaxedReward(places);
        return (eta * reward + offset, eta * slope);
    }

    // Numbers: no gradient leads out of here.
    private (Tensor Reward, Tensor Slope) RelaxedReward(SampledPlaces places)
    {
        long time = places.Ids.shape[1];
        Tensor table = _discriminator.EmbeddingTable.detach(); // [V, E]
        Tensor relaxed = (places.Perturbed / _temperature).softmax(-1); // [N, V]
        Tensor token = relaxed.mm(table).requires_grad_(); // [N, E]
        Tensor sequences = _discriminator.Embed(places.Ids).detach().index_select(0, places.Rows.floor_divide(time)); // [N, T, E]
        // [N, 1], [1, T]
        Tensor place = places.Rows.remainder(time).unsqueeze(1), all = arange(time, ScalarType.Int64, places.Ids.device).unsqueeze(0);
        Tensor broken = where(all.eq(place).unsqueeze(2), token.unsqueeze(1), sequences); // [N, T, E]
        Tensor reward = _reward!(_discriminator.ScoreEmbedded(broken, all.le(place).to(table.dtype))); // [N]
        Tensor slope = autograd.grad([reward.sum()], [token])[0]; // [N, E]
        return (reward.detach(), ThroughSoftmax(relaxed, slope.mm(table.t()), tensor(_temperature)).detach());
    }
}
