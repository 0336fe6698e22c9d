using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>The return of every token of a batch of hard samples: what the token is credited with, before any baseline.</summary>
/// <remarks>B batch, T time. All is computed without gradients; rewards are numbers, not functions of the generator.</remarks>
/// <param name="options">Which reward, credited how.</param>
/// <param name="rollOutPolicy">Completes prefixes; needed by <see cref="CreditKind.RollOuts"/> alone.</param>
internal sealed class ReinforceRewards(ReinforceOptions options, IGenerator? rollOutPolicy)
{
    // Completions that are scored together: enough to fill matrix products, few enough to stay in memory at a large vocabulary.
    private const int CompletionsAtOnce = 4096;

    /// <summary>Returns for every place; what stands after a sequence's end does not matter.</summary>
    /// <param name="discriminator">Judges.</param>
    /// <param name="ids">[B, T] of int64.</param>
    /// <param name="mask">[B, T] of float32: 1 for tokens, 0 after the end.</param>
    /// <param name="scores">[B], the discriminator's scores of the sequences.</param>
    /// <param name="key">Keys random rewards and roll-outs.</param>
    /// <returns>[B, T] of float32.</returns>
    public Tensor Returns(Discriminator discriminator, Tensor ids, Tensor mask, Tensor scores, RandomKey key)
    {
        using IDisposable off = no_grad();
        Tensor whole = Reward(scores, key.Derive("reward")); // [B]
        return options.Credit switch
        {
            CreditKind.Sequence => whole.unsqueeze(1).expand(ids.shape), // [B, T]
            CreditKind.RollOuts => RolledOut(discriminator, ids, mask, whole, key.Derive("roll-outs")),
            CreditKind.Dense => Discounted(PrefixRewards(discriminator, ids, mask, key.Derive("reward")) * mask),
            _ => throw new InvalidOperationException($"No such credit: {options.Credit}."),
        };
    }

    private Tensor Reward(Tensor scores, RandomKey key)
    {
        switch (options.Reward)
        {
            case RewardKind.Constant:
                return full(scores.shape, (float)options.ConstantReward, ScalarType.Float32, scores.device);
            case RewardKind.Score:
                return scores;
            case RewardKind.Random:
                var stream = new RandomStream(key, 2 * key.FirstRow(scores.numel()));
                float[] values = [.. Enumerable.Range(0, (int)scores.numel()).Select(_ => (float)stream.NextDouble())];
                return tensor(values).to(scores.device);
            default:
                return scores.sigmoid();
        }
    }

    // The last token of a sequence leaves nothing to complete: its return is the sequence's own reward.
    private Tensor RolledOut(Discriminator discriminator, Tensor ids, Tensor mask, Tensor whole, RandomKey key)
    {
        long batch = ids.shape[0], time = ids.shape[1];
        double[] sums = new double[batch * time];
        int atOnce = (int)Math.Clamp(CompletionsAtOnce / (batch * time), 1, options.RollOuts);
        for (int done = 0; done < options.RollOuts; done += atOnce)
        {
            using DisposeScope scope = NewDisposeScope();
            RandomKey part = key.Derive((ulong)done);
            (Tensor completed, int[] origins) = rollOutPolicy!.Complete(ids, Math.Min(atOnce, options.RollOuts - done), part); // [R, T], [R]
            if (origins.Length == 0)
            {
                break;
            }

            float[] rewards = Reward(discriminator.Score(completed), part.Derive("reward").Apart).cpu().data<float>().ToArray(); // [R]
            for (int row = 0; row < rewards.Length; row++)
            {
                sums[origins[row]] += rewards[row];
            }
        }

        Tensor means = tensor([.. sums.Select(sum => (float)(sum / options.RollOuts))], [batch, time]).to(ids.device); // [B, T]
        Tensor lastToken = mask - cat([mask.narrow(1, 1, time - 1), zeros([batch, 1], device: mask.device)], 1); // [B, T]: 1 at each row's last token
        return where(lastToken.gt(0.5), whole.unsqueeze(1), means); // [B, T]
    }

    // Each prefix is scored with everything behind it masked, by the discriminator that learned from complete sequences.
    private Tensor PrefixRewards(Discriminator discriminator, Tensor ids, Tensor mask, RandomKey key)
    {
        long batch = ids.shape[0], time = ids.shape[1], width = discriminator.Options.Embedding;
        // [B, T, T, E]
        Tensor embedded = discriminator.Embed(ids).view(batch, 1, time, width).expand(batch, time, time, width);
        float[] lower = new float[time * time];
        for (int row = 0; row < time; row++)
        {
            lower.AsSpan((int)(row * time), row + 1).Fill(1);
        }

        Tensor prefixes = mask.unsqueeze(1) * tensor(lower, [1, time, time]).to(ids.device); // [B, T, T]
        Tensor scores = discriminator.ScoreEmbedded(embedded.reshape(batch * time, time, width), prefixes.reshape(batch * time, time)); // [B * T]
        Tensor rewards = Reward(scores, key).view(batch, time); // [B, T]
        return options.Reward is RewardKind.Constant or RewardKind.Score ? rewards : rewards * 2 - 1;
    }

    // From the last place to the first: return = reward + discount * the next place's return.
    private Tensor Discounted(Tensor rewards)
    {
        long time = rewards.shape[1];
        var returns = new Tensor[time];
        returns[time - 1] = rewards.select(1, time - 1);
        for (long t = time - 2; t >= 0; t--)
        {
            returns[t] = rewards.select(1, t) + returns[t + 1] * options.Discount; // [B]
        }

        return stack(returns, 1); // [B, T]
    }
}
