using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Contract;

/// <summary>TorchSharp's rules of ownership: what a scope frees, what survives it, and how it is counted.</summary>
public sealed class DisposeScopeContractTests
{
    [Fact]
    public void A_scope_frees_what_was_made_in_it_and_nothing_else()
    {
        using Tensor before = zeros([1]);
        Tensor inside;
        using (DisposeScope scope = NewDisposeScope())
        {
            inside = before + 1;
            Assert.Same(scope, CurrentDisposeScope);
            Assert.True(scope.Contains(inside));
            Assert.False(scope.Contains(before));
            Assert.Equal(1, scope.DisposablesCount);
            Assert.Same(inside, Assert.Single(scope.DisposablesView));
        }

        Assert.True(inside.IsInvalid);
        Assert.False(before.IsInvalid);
        Assert.Null(CurrentDisposeScope);
    }

    [Fact]
    public void A_tensor_moves_outwards_scope_by_scope_and_beyond_the_last_is_free()
    {
        Tensor result;
        using (DisposeScope outer = NewDisposeScope())
        {
            using (DisposeScope inner = NewDisposeScope())
            {
                result = zeros([1]).MoveToOuterDisposeScope();
                Assert.False(inner.Contains(result));
                Assert.True(outer.Contains(result));
            }

            Assert.False(result.IsInvalid);
            Assert.Same(result, outer.MoveToOuter(result));
            Assert.False(outer.Contains(result));
        }

        Assert.False(result.IsInvalid);
        Assert.Same(result, result.MoveToOuterDisposeScope());
        result.Dispose();
    }

    [Fact]
    public void A_detached_tensor_survives_every_scope_and_an_attached_one_does_not()
    {
        Tensor survivor, captive = zeros([1]);
        using (NewDisposeScope())
        {
            using (DisposeScope inner = NewDisposeScope())
            {
                survivor = zeros([1]).DetachFromDisposeScope();
                Assert.Same(survivor, survivor.DetachFromDisposeScope());
                inner.Attach(captive);
                inner.Attach(captive);
                Assert.Equal(1, inner.DisposablesCount);
            }
        }

        Assert.False(survivor.IsInvalid);
        Assert.True(captive.IsInvalid);
        survivor.Dispose();
    }

    [Fact]
    public void A_tensor_can_be_given_to_any_other_scope()
    {
        using DisposeScope first = NewDisposeScope();
        Tensor moved, taken;
        using (DisposeScope second = NewDisposeScope())
        {
            moved = zeros([1]).MoveToOtherDisposeScope(first);
            taken = second.MoveToOther(first, zeros([1]));
            Tensor stranger = zeros([1]);
            first.Detach(stranger);
            Assert.True(second.Contains(stranger));
        }

        Assert.False(moved.IsInvalid || taken.IsInvalid);
        first.DisposeEverything();
        Assert.True(moved.IsInvalid && taken.IsInvalid);
        Assert.Same(first, CurrentDisposeScope);
    }

    [Fact]
    public void Scopes_may_be_closed_out_of_order()
    {
        DisposeScope outer = NewDisposeScope(), middle = NewDisposeScope(), inner = NewDisposeScope();
        Tensor kept = zeros([1]);
        middle.Dispose();
        Assert.Same(inner, CurrentDisposeScope);
        Assert.False(kept.IsInvalid);
        kept.MoveToOuterDisposeScope();
        Assert.True(outer.Contains(kept));
        inner.Dispose();
        Assert.Same(outer, CurrentDisposeScope);
        outer.Dispose();
        Assert.True(kept.IsInvalid);
        Assert.Null(CurrentDisposeScope);
        outer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => outer.Attach(kept));
        Assert.Throws<ObjectDisposedException>(() => outer.DisposablesCount);
    }

    [Fact]
    public void An_exception_unwinds_the_scopes_that_it_leaves()
    {
        Tensor? made = null;
        Assert.Throws<ApplicationException>(Fail);
        Assert.True(made!.IsInvalid);
        Assert.Null(CurrentDisposeScope);

        void Fail()
        {
            using DisposeScope outer = NewDisposeScope();
            using DisposeScope inner = NewDisposeScope();
            made = zeros([1]).MoveToOuterDisposeScope();
            throw new ApplicationException();
        }
    }

    [Fact]
    public void Removing_from_the_middle_leaves_the_others_owned()
    {
        Tensor[] tensors;
        using (DisposeScope scope = NewDisposeScope())
        {
            tensors = [.. Enumerable.Range(0, 600).Select(i => zeros([1]))];
            for (int i = 0; i < tensors.Length; i += 3)
            {
                tensors[i].DetachFromDisposeScope();
                tensors[i + 1].Dispose();
            }

            Assert.Equal(200, scope.DisposablesCount);
            Assert.All(scope.DisposablesView, one => Assert.True(scope.Contains(one)));
        }

        Assert.All(tensors.Where((_, i) => i % 3 == 0), one => Assert.False(one.IsInvalid));
        Assert.All(tensors.Where((_, i) => i % 3 != 0), one => Assert.True(one.IsInvalid));
        Array.ForEach(tensors, one => one.Dispose());
    }

    [Fact]
    public void The_statistics_of_a_thread_count_what_became_of_its_tensors()
    {
        // A thread of its own, whose counts nobody else has touched.
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(Count));
        thread.Start();
        thread.Join();
        Assert.Null(failure);

        static void Count()
        {
            ThreadDisposeScopeStatistics statistics = DisposeScopeManager.Statistics;
            Assert.Equal(0, statistics.ThreadTotalLiveCount);
            Tensor outside = zeros([1]), other = zeros([1]);
            using (DisposeScope scope = NewDisposeScope())
            {
                Tensor disposed = zeros([1]), detached = zeros([1]);
                _ = zeros([1]);
                disposed.Dispose();
                detached.DetachFromDisposeScope();
                scope.Attach(outside);
                Assert.Equal(4, statistics.ThreadTotalLiveCount);
                other.Dispose();
                detached.Dispose();
            }

            Assert.Equal(2, statistics.CreatedOutsideScopeCount);
            Assert.Equal(3, statistics.CreatedInScopeCount);
            Assert.Equal(1, statistics.AttachedToScopeCount);
            Assert.Equal(1, statistics.DetachedFromScopeCount);
            Assert.Equal(2, statistics.DisposedOutsideScopeCount);
            Assert.Equal(3, statistics.DisposedInScopeCount);
            Assert.Equal(0, statistics.ThreadTotalLiveCount);
            Assert.Equal(3, statistics.TensorStatistics.CreatedInScopeCount);
            statistics.TensorStatistics.Reset();
            statistics.Reset();
            Assert.Equal(0, statistics.CreatedInScopeCount);
        }
    }

    [Fact]
    public void The_count_of_live_tensors_follows_their_birth_and_death()
    {
        NativeMemory.Settle();
        long before = Tensor.TotalCount;
        using (NewDisposeScope())
        {
            Tensor[] made = [zeros([1]), zeros([1])];
            Assert.Equal(before + 2, Tensor.TotalCount);
            Assert.True(Tensor.PeakCount >= before + 2);
            made[0].Dispose();
            made[0].Dispose();
            Assert.Equal(before + 1, Tensor.TotalCount);
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void Tensors_that_nobody_disposes_are_freed_after_they_are_collected()
    {
        NativeMemory.Settle();
        long before = Tensor.TotalCount, native = NativeMemory.Tensors();
        Leak();
        Assert.True(Tensor.TotalCount >= before + 300);
        NativeMemory.Settle();
        Assert.Equal(before, Tensor.TotalCount);
        Assert.Equal(native, NativeMemory.Tensors());

        static void Leak()
        {
            var thread = new Thread(() =>
            {
                for (int i = 0; i < 100; i++)
                {
                    _ = zeros([1]);
                    using DisposeScope scope = NewDisposeScope();
                    _ = zeros([1]).DetachFromDisposeScope();
                }

                // Never closed: it goes with its thread.
                NewDisposeScope();
                for (int i = 0; i < 100; i++)
                {
                    _ = zeros([1]);
                }
            });
            thread.Start();
            thread.Join();
        }
    }

    [Fact]
    public void A_tensor_in_a_scope_lives_though_nobody_else_holds_it()
    {
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < 10; i++)
        {
            _ = full([1], (float)i);
        }

        NativeMemory.Settle();
        Assert.Equal(45f, scope.DisposablesView.Cast<Tensor>().Sum(one => one.item<float>()));
    }

    [Fact]
    public void A_parameter_takes_the_place_of_the_tensor_that_it_is_made_of()
    {
        Parameter parameter, free;
        using (DisposeScope scope = NewDisposeScope())
        {
            Tensor data = ones([2]);
            parameter = new Parameter(data);
            Assert.True(data.IsInvalid);
            Assert.True(scope.Contains(parameter));
            Assert.Equal(1, scope.DisposablesCount);
            Assert.True(parameter.requires_grad && parameter.is_leaf);
            free = nn.Parameter(ones([2]).DetachFromDisposeScope(), requires_grad: false);
            Assert.False(free.requires_grad);
        }

        Assert.True(parameter.IsInvalid);
        Numbers.AreClose([1, 1], free);
        free.Dispose();
    }

    [Fact]
    public void Tensors_made_on_two_threads_belong_to_the_scopes_of_their_threads()
    {
        using DisposeScope here = NewDisposeScope();
        Tensor shared = arange(1000, ScalarType.Float32);
        double[] sums = new double[2];
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(number => new Thread(() =>
        {
            for (int i = 0; i < 500; i++)
            {
                using DisposeScope own = NewDisposeScope();
                sums[number] = (shared * (number + 1)).sum().item<float>();
                Assert.Equal(2, own.DisposablesCount);
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal([499500.0, 999000.0], sums);
        Assert.Equal(1, here.DisposablesCount);
    }
}
